/** The device or its worker is gone or cannot compute: the session is lost, another runtime may go on. */
export class DeviceFailure extends Error {
  override name = 'DeviceFailure';
}
