// The same words in traditional characters, with the terms of Hong Kong; vite.config.ts makes them from zh.ts when the console is built.
declare module '*?hant' {
  // oxlint-disable-next-line typescript/consistent-type-imports -- an ambient module cannot name a relative one otherwise
  export const zh: typeof import('./zh.ts').zh
}
