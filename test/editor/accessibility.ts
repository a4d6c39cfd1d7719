/** What axe-core finds in a page or a frame of one. */
import axe from 'axe-core';
import type { Frame, Page } from 'playwright-core';

/** Rule and first element of each fault that is serious or critical. */
export async function seriousFaults(place: Page | Frame): Promise<string[]> {
  // By the debugger's door: the page's policy lets no script of ours in.
  await place.evaluate(axe.source);
  const violations = await place.evaluate(async () => {
    const { run } = (window as unknown as { axe: typeof axe }).axe;
    return (await run(document, { resultTypes: ['violations'] })).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}
