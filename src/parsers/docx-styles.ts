// Paragraph styles of a Word document: what makes a heading, a title, a caption, a list. Follows the chain of styles a style is based on.
import { child, childrenNamed, type XmlElement } from './xml.ts'

export type ParagraphStyle = {
  /** 1..9 for headings. */
  level: number | undefined
  isTitle: boolean
  isCaption: boolean
  numId: string | undefined
  listLevel: number | undefined
}

const wval = (element: XmlElement | undefined): string | undefined => element?.attributes['w:val']

const NO_STYLE: ParagraphStyle = { level: undefined, isTitle: false, isCaption: false, numId: undefined, listLevel: undefined }

/** `w:outlineLvl` counts from 0; 9 means body text. */
export function outlineLevel(properties: XmlElement | undefined): number | undefined {
  const level = Number(wval(child(properties, 'w:outlineLvl')) ?? 9)
  return level >= 0 && level < 9 ? level + 1 : undefined
}

function readStyle(element: XmlElement): ParagraphStyle & { base: string | undefined } {
  const name = (wval(child(element, 'w:name')) ?? '').toLowerCase()
  const properties = child(element, 'w:pPr')
  const numbering = child(properties, 'w:numPr')
  const named = /^(?:heading|标题|標題)\s*([1-9])$/.exec(name)?.[1]
  const listLevel = wval(child(numbering, 'w:ilvl'))
  return {
    level: outlineLevel(properties) ?? (named === undefined ? undefined : Number(named)),
    isTitle: name === 'title' || name === '标题' || name === '標題',
    isCaption: name === 'caption' || name === '题注' || name === '標號',
    numId: wval(child(numbering, 'w:numId')),
    listLevel: listLevel === undefined ? undefined : Number(listLevel),
    base: wval(child(element, 'w:basedOn')),
  }
}

/** @returns the style of a style id; unknown ids have none. */
export function readStyles(root: XmlElement | undefined): (id: string | undefined) => ParagraphStyle {
  const own = new Map(childrenNamed(root, 'w:style').map((style) => [style.attributes['w:styleId'] ?? '', readStyle(style)]))
  return (id) => {
    let style = NO_STYLE
    const seen = new Set<string>()
    for (let at = id; at !== undefined && !seen.has(at); at = own.get(at)?.base) {
      seen.add(at)
      const next = own.get(at)
      if (next === undefined) break
      style = {
        level: style.level ?? next.level,
        isTitle: style.isTitle || next.isTitle,
        isCaption: style.isCaption || next.isCaption,
        numId: style.numId ?? next.numId,
        listLevel: style.listLevel ?? next.listLevel,
      }
    }
    return style
  }
}
