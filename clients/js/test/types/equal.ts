/** Whether two types are the same, optional and readonly fields included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles if its argument is `true`. */
export declare function same<_T extends true>(): void
