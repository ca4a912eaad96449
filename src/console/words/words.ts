// Which language the console speaks: what was chosen here before, else what the browser prefers.
import { createStore, useStore } from '../state/store.ts'
import { en } from './en.ts'
import { type Words, zh } from './zh.ts'
import { zh as hant } from './zh.ts?hant'

export type { Words }
export type Language = 'zh-Hant' | 'zh-Hans' | 'en'

/** Each in its own words. */
export const LANGUAGES: readonly (readonly [Language, string])[] = [
  ['zh-Hant', '繁體中文'],
  ['zh-Hans', '简体中文'],
  ['en', 'English'],
]

const LANGUAGE = 'insight-rag.language'
const DICTIONARIES: Record<Language, Words> = { 'zh-Hant': hant, 'zh-Hans': zh, en }

function preferred(): Language {
  const kept = localStorage.getItem(LANGUAGE)
  const known = LANGUAGES.find(([name]) => name === kept)
  if (known !== undefined) return known[0]
  // zh-HK and zh-TW stand for the traditional script, zh and zh-CN for the simplified one.
  const { language: spoken, script } = new Intl.Locale(navigator.language).maximize()
  if (spoken !== 'zh') return 'en'
  return script === 'Hant' ? 'zh-Hant' : 'zh-Hans'
}

const language = createStore<Language>(preferred())

const tell = (): void => {
  document.documentElement.lang = language.get()
}
tell()
language.subscribe(tell)

export const useLanguage = (): Language => useStore(language)

export const useWords = (): Words => DICTIONARIES[useStore(language)]

export function speak(chosen: Language): void {
  localStorage.setItem(LANGUAGE, chosen)
  language.set(chosen)
}
