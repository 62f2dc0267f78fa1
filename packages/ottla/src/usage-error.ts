/** The words of a command were not understood: exit code 2, and a sentence that says what is. */
export class UsageError extends Error {}
