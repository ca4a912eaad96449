// The blocks of a Word body, cell or note in the accepted view of tracked changes: paragraphs and tables, whatever wraps them.
import { child, elementsOf, type XmlElement } from './xml.ts'

/** Content controls, inserted blocks and custom XML wrap blocks at any depth; what they hold is the body all the same. */
const WRAPPERS = new Set(['w:sdt', 'w:sdtContent', 'w:customXml', 'w:ins', 'w:moveTo', 'w:smartTag', 'mc:AlternateContent', 'mc:Choice'])

export function blocksOf(container: XmlElement): XmlElement[] {
  const blocks = elementsOf(container).flatMap((element) =>
    WRAPPERS.has(element.name) ? blocksOf(element) : element.name === 'w:p' || element.name === 'w:tbl' ? [element] : [],
  )
  return blocks.some(isJoined) ? withJoins(blocks) : blocks
}

/** The mark at the end of the paragraph is deleted or moved away: what follows goes on in the same paragraph. */
function isJoined(block: XmlElement): boolean {
  const mark = child(child(block, 'w:pPr'), 'w:rPr')
  return child(mark, 'w:del') !== undefined || child(mark, 'w:moveFrom') !== undefined
}

/** The joined paragraph has the properties of its last part, as in Word. */
function withJoins(blocks: readonly XmlElement[]): XmlElement[] {
  const result: XmlElement[] = []
  let open: XmlElement | undefined
  for (const block of blocks) {
    const content = open !== undefined && block.name === 'w:p' ? contentOf(open) : []
    if (open !== undefined && block.name !== 'w:p') result.push(open)
    const whole: XmlElement =
      content.length === 0 ? block : { ...block, children: [...propertiesOf(block), ...content, ...contentOf(block)] }
    open = block.name === 'w:p' && isJoined(block) ? whole : undefined
    if (open === undefined) result.push(whole)
  }
  return open === undefined ? result : [...result, open]
}

const isProperties = (part: XmlElement['children'][number]): boolean => typeof part !== 'string' && part.name === 'w:pPr'
const propertiesOf = (paragraph: XmlElement): XmlElement['children'] => paragraph.children.filter(isProperties)
const contentOf = (paragraph: XmlElement): XmlElement['children'] => paragraph.children.filter((part) => !isProperties(part))

/** Elements of a name, such as rows and cells, whatever wraps them. */
export const unwrapped = (container: XmlElement, name: string): XmlElement[] =>
  elementsOf(container).flatMap((element) =>
    element.name === name ? [element] : WRAPPERS.has(element.name) ? unwrapped(element, name) : [],
  )
