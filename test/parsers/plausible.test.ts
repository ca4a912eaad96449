import { readFileSync } from 'node:fs'
import PDFDocument from 'pdfkit'
import { expect, test } from 'vitest'
import { isImplausible } from '../../src/parsers/plausible.ts'
import { encode, parseHere } from './support.ts'

const CHINESE = '二次函数的图像是一条抛物线，它的对称轴平行于纵轴，顶点是图像的最高点或最低点。'.repeat(3)
const ENGLISH = 'The graph of a quadratic function is a parabola whose axis of symmetry is parallel to the vertical axis. '.repeat(3)
const shifted = (text: string, by: number): string =>
  text.replace(/[a-z]/gi, (letter) => String.fromCharCode(((letter.toLowerCase().charCodeAt(0) - 97 + by) % 26) + 97))

test.each([
  ['Chinese', CHINESE, false],
  ['traditional Chinese', '二次函數的圖像是一條拋物線，它的對稱軸平行於縱軸。'.repeat(5), false],
  [
    'a list of names',
    '张伟 王芳 李娜 刘强 陈静 杨洋 赵磊 黄敏 周杰 吴婷 徐浩 孙丽 马超 朱琳 胡军 郭涛 何雪 高峰 林晨 罗欣 '.repeat(3),
    false,
  ],
  ['English', ENGLISH, false],
  ['French', 'L’été dernier, les élèves ont étudié les fonctions du second degré à l’école. '.repeat(3), false],
  ['Vietnamese', 'Đồ thị của hàm số bậc hai là một đường parabol có trục đối xứng song song với trục tung. '.repeat(3), false],
  ['Russian', 'График квадратичной функции представляет собой параболу. '.repeat(4), false],
  [
    'Polish',
    'Wykres funkcji kwadratowej jest parabolą, której oś symetrii jest równoległa do osi pionowej; uczniowie powinni rozwiązywać przykłady zadań. '.repeat(
      3,
    ),
    false,
  ],
  [
    'Pinyin',
    'Jiaoxue mubiao: xuesheng nenggou lijie erci hanshu de tuxiang he xingzhi, yunyong zhexie xingzhi jiejue wenti. '.repeat(3),
    false,
  ],
  ['numbers', '81 90 77 65 43 '.repeat(40), false],
  ['formulas', 'x^2 + bx + c = 0, f(x) = ax + b '.repeat(10), false],
  ['program text', readFileSync(new URL(import.meta.url), 'utf8').slice(0, 800), false],
  ['Chinese bytes taken for Latin letters', new TextDecoder('windows-1252').decode(encode(CHINESE.replaceAll(/[，。]/g, ''), 'gbk')), true],
  ['English letters shifted by three', shifted(ENGLISH, 3), true],
  [
    'Chinese characters by chance',
    Array.from({ length: 200 }, (_, at) => String.fromCodePoint(0x4e00 + ((at * 7919 + 13) % 20_900))).join(''),
    true,
  ],
])('%s: implausible is %s', (_name, text, implausible) => {
  expect(isImplausible(text)).toBe(implausible)
})

test('a page whose letters are another font’s codes is read by its looks', { timeout: 60_000 }, async () => {
  const pdf = new PDFDocument({ size: [500, 300] })
  const parts: Buffer[] = []
  pdf.on('data', (part: Buffer) => parts.push(part))
  const ended = new Promise((resolve) => pdf.once('end', resolve))
  // A painted page with an invisible layer that says something else, as bad scanners leave it.
  pdf.fontSize(20)
  const picture = await paintedText()
  pdf.image(picture, 0, 0, { width: 500, height: 300 })
  pdf.fillOpacity(0).fontSize(9).text(shifted(ENGLISH, 3), 40, 40, { width: 400 })
  pdf.end()
  await ended
  const document = await parseHere(Buffer.concat(parts), 'scan.pdf')
  const text = document.blocks.map((block) => block.text).join(' ')
  expect(text).toContain('parabola')
  expect(text).not.toContain(shifted('parabola', 3))
})

async function paintedText(): Promise<Buffer> {
  const { createCanvas } = await import('@napi-rs/canvas')
  const canvas = createCanvas(1400, 840)
  const brush = canvas.getContext('2d')
  brush.fillStyle = 'white'
  brush.fillRect(0, 0, 1400, 840)
  brush.fillStyle = 'black'
  brush.font = '48px sans-serif'
  for (const [at, line] of ['The graph of a function', 'of the second degree', 'is called a parabola'].entries())
    brush.fillText(line, 120, 200 + at * 120)
  return canvas.toBuffer('image/png')
}
