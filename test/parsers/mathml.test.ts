// MathML as web pages write it becomes LaTeX, and all of it parses with KaTeX.
import katex from 'katex'
import { expect, test } from 'vitest'
import { parseHere } from './support.ts'

const blocksOf = async (html: string): Promise<string[]> => {
  const document = await parseHere(Buffer.from(`<!doctype html><html><body>${html}</body></html>`), 'a.html')
  return document.blocks.map((block) => `${block.type}: ${block.text}`)
}

test.each([
  ['<mfrac><mi>a</mi><mn>2</mn></mfrac>', '\\frac{a}{2}'],
  ['<msqrt><msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><mn>1</mn></msqrt>', '\\sqrt{x^{2}+1}'],
  ['<mroot><mi>x</mi><mn>3</mn></mroot>', '\\sqrt[3]{x}'],
  [
    '<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msub><mi>a</mi><mi>i</mi></msub>',
    '\\sum_{i=1}^{n}a_{i}',
  ],
  [
    '<munder><mo>lim</mo><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder><mi>sin</mi><mo>\u2061</mo><mi>x</mi>',
    '\\lim_{x\\to 0}\\sin x',
  ],
  ['<mover><mi>v</mi><mo>→</mo></mover><mover><mi>x</mi><mo>¯</mo></mover>', '\\vec{v}\\overline{x}'],
  [
    '<mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd><mtd><mn>1</mn></mtd></mtr></mtable><mo>]</mo>',
    '[\\begin{matrix} 1 & 0 \\\\ 0 & 1 \\end{matrix}]',
  ],
  ['<mmultiscripts><mi>U</mi><mprescripts/><mn>92</mn><mn>235</mn></mmultiscripts>', '{}_{92}^{235}U'],
  ['<mfenced><mi>a</mi><mi>b</mi></mfenced>', '\\left( a, b \\right)'],
  ['<mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac>', '\\genfrac{}{}{0pt}{}{n}{k}'],
  ['<mtext>if 5% of $x</mtext><mo>≤</mo><mi>面积</mi>', '\\text{if 5\\% of \\$x}\\le \\text{面积}'],
  ['<semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x^{\\prime}</annotation></semantics>', 'x^{\\prime}'],
])('%s', async (mathml, latex) => {
  expect(await blocksOf(`<math display="block">${mathml}</math>`)).toEqual([`equation: $$${latex}$$`])
  expect(() => katex.renderToString(latex, { throwOnError: true, strict: false })).not.toThrow()
})

test('formulas inside a sentence stay there, and scripts of MathJax are formulas', async () => {
  expect(await blocksOf('<p>If <math><mi>x</mi></math> and <script type="math/tex">y^2</script> hold</p>')).toEqual([
    'paragraph: If $x$ and $y^2$ hold',
  ])
  expect(await blocksOf('<p>so</p><script type="math/tex; mode=display">a+b</script>')).toEqual(['paragraph: so', 'equation: $$a+b$$'])
})

test('phonetic guides and invisible parts of a page are not read', async () => {
  expect(await blocksOf('<p><ruby>漢<rp>(</rp><rt>hàn</rt><rp>)</rp></ruby>字</p><p style="visibility: hidden">no</p>')).toEqual([
    'paragraph: 漢字',
  ])
})
