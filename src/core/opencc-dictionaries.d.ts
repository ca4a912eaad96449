// opencc-js publishes its dictionaries without types: one string of `source value` entries parted by |.
declare module 'opencc-js/dict/STCharacters' {
  const entries: string
  export default entries
}
