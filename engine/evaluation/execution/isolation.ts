/**
 * The command line that runs a program apart from this machine, by Linux namespaces and the tools of util-linux. The
 * program sees a root of its own: /usr and the interpreter's folder read-only, three devices, an empty folder; no other
 * file, no /proc, no network interface that is up, no other process, no inherited variable, no capability.
 */
import type { Interpreter } from './interpreter.ts';

/** Also the whole search path of the tools and of the program. */
export const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs as process 1 of the new namespaces and stays there: when it is killed, the kernel kills all others. The new root
 * is laid over /tmp, seen so by nobody outside. Arguments: `nobody` or `same` (whom to run as), folders to show, `--`,
 * the command. What a mount forbids already must be said again when it is made read-only; umount itself needs /proc.
 */
const SCRIPT = `
set -eu
as=$1 root=/tmp
shift
mount -t tmpfs -o size=16m,nr_inodes=1024,mode=755,nosuid,nodev none $root
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then
    ln -s "$(readlink "$1")" "$root$1"
  elif [ -d "$1" ]; then
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
  fi
  shift
done
shift
while read -r _ _ _ _ at options _; do
  case $at in
  $root/*)
    kept=
    case ,$options, in *,noexec,*) kept=,noexec ;; esac
    mount -o "remount,bind,ro,nosuid,nodev$kept" "$at"
    ;;
  esac
done </proc/self/mountinfo
mkdir "$root/dev" "$root/box" "$root/before"
chmod 1777 "$root/box"
for device in null zero urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
cd $root
pivot_root . before
ln -s before/proc /proc
umount -l /before
rm /proc
rmdir /before
cd /box
user=
if [ "$as" = nobody ]; then user='--reuid=65534 --regid=65534 --clear-groups'; fi
setpriv $user --bounding-set=-all --inh-caps=-all --no-new-privs env -i HOME=/box LANG=C.UTF-8 PATH=/usr/bin:/bin "$@"
exit $?
`;

/** Where programs and libraries lie; on most systems all but /usr are links into it. */
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'];

/**
 * `root`: whether this process is root, which makes namespaces directly and runs the program as `nobody`; the limit of
 * processes does not hold for root. Anyone else becomes root of a user namespace without power outside it.
 */
export function isolatedCommand(
  { prefix }: Interpreter,
  command: readonly string[],
  root: boolean,
): [file: string, args: string[]] {
  const inside = SYSTEM_FOLDERS.some((folder) => prefix === folder || prefix.startsWith(`${folder}/`));
  const folders = [...SYSTEM_FOLDERS, ...(inside ? [] : [prefix])];
  const namespaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
  const user = root ? [] : ['--user', '--map-root-user'];
  const script = ['sh', '-c', SCRIPT, 'sh', root ? 'nobody' : 'same', ...folders, '--', ...command];
  // Whatever becomes of this process, the program does not outlive it.
  return ['setpriv', ['--pdeathsig=KILL', 'unshare', ...user, ...namespaces, '--', ...script]];
}
