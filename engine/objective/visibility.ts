/**
 * GLM's attention rule as two numbers instead of a matrix: Part A (the first `sep` tokens) sees itself in both
 * directions and never Part B; Part B sees all of Part A and what precedes it in Part B.
 */

/** Whether row (query) `i` sees column (key) `j` of a sequence whose Part A has `sep` tokens. */
export function visible(i: number, j: number, sep: number): boolean {
  return j < sep || j <= i;
}
