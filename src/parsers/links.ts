// Which addresses a document may point its readers to. They are told, never followed.
export type Link = { text: string; url: string }

const MAX_ADDRESS = 2000

export const isWebAddress = (url: string): boolean => /^(?:https?:\/\/|mailto:)\S+$/i.test(url) && url.length <= MAX_ADDRESS
