// Which language the console speaks: what was chosen here before, else what the browser prefers.
import { createStore, useStore } from '../state/store.ts'
import { en } from './en.ts'
import { type Words, zh } from './zh.ts'

export type { Words }
export type Language = 'zh' | 'en'

const LANGUAGE = 'insight-rag.language'
const DICTIONARIES: Record<Language, Words> = { zh, en }

function preferred(): Language {
  const kept = localStorage.getItem(LANGUAGE)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

const language = createStore<Language>(preferred())

const tell = (): void => {
  document.documentElement.lang = language.get() === 'zh' ? 'zh-Hans' : 'en'
}
tell()
language.subscribe(tell)

export const useLanguage = (): Language => useStore(language)

export const useWords = (): Words => DICTIONARIES[useStore(language)]

export function speak(chosen: Language): void {
  localStorage.setItem(LANGUAGE, chosen)
  language.set(chosen)
}
