declare const brand: unique symbol;

/** `T` that only its own module can make from a plain `T`: `Branded<string, 'ModulePath'>`. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
