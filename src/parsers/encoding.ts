// Bytes to text, whatever wrote them: byte order marks, UTF-8, UTF-16 without a mark, and the Chinese encodings told apart by plausibility.
import chardet from 'chardet'

export type DecodedText = { text: string; /** WHATWG name. */ encoding: string }

const decode = (bytes: Uint8Array, encoding: string, fatal = false): string => new TextDecoder(encoding, { fatal }).decode(bytes)

function tryDecode(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return decode(bytes, encoding, true)
  } catch {
    // Not this encoding: that is what a fatal decoder is asked for.
    return undefined
  }
}

/** Broken characters that a text may have, of a cut in the middle of one or of a damaged byte: one, or this share. */
const BROKEN_SHARE = 0.005

function nearlyDecode(bytes: Uint8Array, encoding: string): string | undefined {
  const text = decode(bytes, encoding)
  const broken = text.match(/\ufffd/g)?.length ?? 0
  return broken <= Math.max(1, text.length * BROKEN_SHARE) ? text : undefined
}

const MARKS: readonly { mark: readonly number[]; encoding: string }[] = [
  { mark: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { mark: [0xff, 0xfe], encoding: 'utf-16le' },
  { mark: [0xfe, 0xff], encoding: 'utf-16be' },
  { mark: [0x84, 0x31, 0x95, 0x33], encoding: 'gb18030' },
]

/** UTF-16 without a mark shows itself by zero bytes on one side of ASCII, or by its line feeds. */
function utf16Side(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes.length < 4 || bytes.length % 2 !== 0) return undefined
  const sample = bytes.subarray(0, 8192)
  const zeros = [0, 0]
  for (let index = 0; index < sample.length; index += 1) if (sample[index] === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  if (odd > 0 && even * 8 <= odd && odd * 20 >= sample.length / 2) return 'utf-16le'
  if (even > 0 && odd * 8 <= even && even * 20 >= sample.length / 2) return 'utf-16be'
  return undefined
}

/** The most frequent characters of modern written Chinese, in both scripts; a wrong decoding hardly ever hits them. */
const FREQUENT = new Set(
  '的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重并並物手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表化老给給世位次度门門任常先海通教儿兒原东東声聲提立及比员員解水名真论論处處走义義各入几幾口认認条條平系气氣题題活尔爾更别別打女变變四神总總何电電数數安少报報才结結反受目太量再感建务務做接必场場件计計管期市直德资資命山金指克许許统統区區保至队隊形社便空决決治展马馬科司五基眼书書非则則听聽白却卻界达達光放强強即像难難且权權思王象完设設式色路记記南品住告类類求据據程北边邊死张張该該交规規万萬取拉格望觉覺术術领領共确確传傳师師观觀清今切院让讓识識候带帶导導争爭运運图圖试試卷班级級课課标標准準函角线線答案分语語英校考成绩績姓号號班教材练習练習习單单元'.split(
    '',
  ),
)

/** Share of the Chinese characters of a text that are among the most frequent ones, 0..1; 0 without any. */
export function frequentShare(text: string): number {
  const han = text.match(/\p{Script=Han}/gu) ?? []
  return han.length === 0 ? 0 : han.filter((character) => FREQUENT.has(character)).length / han.length
}

/**
 * How much a decoding looks like written text, 0..1: the mean over its non-ASCII characters. Frequent characters and their punctuation count
 * fully, characters of the first, everyday plane of the encoding half, the rest almost nothing, private and control characters below zero.
 */
function plausibility(text: string, everyday: (character: string) => boolean): number {
  let score = 0
  let count = 0
  for (const character of text.slice(0, 20_000)) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) continue
    count += 1
    if (FREQUENT.has(character) || /[，。、；：？！“”‘’（）《》「」『』【】…—·～\u3000]/u.test(character)) score += 1
    else if ((code >= 0xe000 && code <= 0xf8ff) || code < 0xa0 || code === 0xfffd) score -= 1
    else if (everyday(character)) score += 0.5
    else score += 0.05
  }
  return count === 0 ? 0 : score / count
}

/** Characters that the two-byte code gives in its everyday plane: GB 2312 level one, or Big5 level one. */
function everydaySet(encoding: 'gbk' | 'big5', leads: readonly [number, number]): Set<string> {
  const bytes: number[] = []
  for (let lead = leads[0]; lead <= leads[1]; lead += 1) {
    if (encoding === 'big5') for (let trail = 0x40; trail <= 0x7e; trail += 1) bytes.push(lead, trail)
    for (let trail = 0xa1; trail <= 0xfe; trail += 1) bytes.push(lead, trail)
  }
  return new Set(decode(Uint8Array.from(bytes), encoding))
}

let everyday: { gb18030: Set<string>; big5: Set<string> } | undefined

/** Below this a Chinese decoding is taken for an accident. Measured: right decodings of real text lie above 0.45, wrong ones below 0.3. */
const PLAUSIBLE = 0.35

function chineseDecoding(bytes: Uint8Array): DecodedText | undefined {
  everyday ??= { gb18030: everydaySet('gbk', [0xb0, 0xd7]), big5: everydaySet('big5', [0xa4, 0xc6]) }
  const sets = everyday
  const candidates = (['gb18030', 'big5'] as const).flatMap((encoding) => {
    const text = tryDecode(bytes, encoding) ?? nearlyDecode(bytes, encoding)
    return text === undefined ? [] : [{ text, encoding, score: plausibility(text, (character) => sets[encoding].has(character)) }]
  })
  const [best] = candidates.toSorted((a, b) => b.score - a.score)
  return best !== undefined && best.score >= PLAUSIBLE ? { text: best.text, encoding: best.encoding } : undefined
}

/** Encodings of which chardet's word is taken; what it says of Chinese or Latin text is decided above or is the fallback anyway. */
const BY_STATISTICS = new Set([
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'koi8-r',
  'windows-1251',
  'windows-1250',
  'windows-1253',
  'windows-1255',
  'windows-1256',
  'iso-8859-2',
  'iso-8859-5',
  'iso-8859-7',
])

/** Bytes that the code of traditional Chinese explains to the last one. */
export function mayBeBig5(bytes: Uint8Array): boolean {
  return tryDecode(bytes, 'big5') !== undefined
}

/** Never fails: at worst the text is read as windows-1252, which maps every byte. */
export function decodeText(bytes: Uint8Array, declared?: string): DecodedText {
  for (const { mark, encoding } of MARKS) {
    if (mark.every((byte, index) => bytes[index] === byte)) return { text: decode(bytes, encoding).replace(/^\ufeff/, ''), encoding }
  }
  const side = utf16Side(bytes)
  if (side !== undefined) return { text: decode(bytes, side), encoding: side }
  const utf8 = tryDecode(bytes, 'utf-8')
  if (utf8 !== undefined) return { text: utf8, encoding: 'utf-8' }
  if (declared !== undefined) {
    const text = tryKnown(bytes, declared)
    if (text !== undefined) return { text, encoding: declared.toLowerCase() }
  }
  const chinese = chineseDecoding(bytes)
  if (chinese !== undefined) return chinese
  const guess = chardet.detect(bytes.subarray(0, 65_536))?.toLowerCase()
  const text = guess !== undefined && BY_STATISTICS.has(guess) ? tryKnown(bytes, guess) : undefined
  return text === undefined || guess === undefined || UNWRITTEN.test(text) ? fallback(bytes) : { text, encoding: guess }
}

/** Characters that no text in its right encoding holds. */
const UNWRITTEN = /[\u007f-\u009f\p{Co}\p{Cn}]/u

/** Share of ASCII below which a text is no European one. */
const EUROPEAN_ASCII = 0.6

/** Rare characters only, as in a list of names: every byte makes sense as Chinese, and little of it as anything else. */
function rareChinese(bytes: Uint8Array): string | undefined {
  const text = tryDecode(bytes, 'gb18030')
  const ascii = bytes.reduce((count, byte) => (byte < 0x80 ? count + 1 : count), 0)
  if (text === undefined || ascii >= bytes.length * EUROPEAN_ASCII) return undefined
  return /^[\p{ASCII}\p{Script=Han}\u3000-\u303f\uff00-\uffef]*$/u.test(text) ? text : undefined
}

/** Mostly valid UTF-8 with a few broken bytes stays UTF-8; anything else is read as windows-1252. */
function fallback(bytes: Uint8Array): DecodedText {
  const text = decode(bytes, 'utf-8')
  const broken = text.match(/\ufffd/g)?.length ?? 0
  const wide = text.match(/[^\p{ASCII}\ufffd]/gu)?.length ?? 0
  if (wide > broken * 4) return { text, encoding: 'utf-8' }
  const chinese = rareChinese(bytes)
  return chinese !== undefined ? { text: chinese, encoding: 'gb18030' } : { text: decode(bytes, 'windows-1252'), encoding: 'windows-1252' }
}

function tryKnown(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return decode(bytes, encoding, true)
  } catch {
    // An unknown name or bytes that do not fit it: the declaration was wrong.
    return undefined
  }
}
