// Office equations become LaTeX that KaTeX draws.
import katex from 'katex'
import { expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/parsers/format.ts'
import { ommlToLatex } from '../../src/parsers/omml.ts'
import { parseXml } from '../../src/parsers/xml.ts'

const NAMESPACE =
  'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const r = (text: string): string => `<m:r><m:t>${text}</m:t></m:r>`
const e = (inner: string): string => `<m:e>${inner}</m:e>`

const CASES: [string, string, string][] = [
  ['a fraction', `<m:f><m:num>${r('a+b')}</m:num><m:den>${r('2c')}</m:den></m:f>`, '\\frac{a+b}{2c}'],
  ['a linear fraction', `<m:f><m:fPr><m:type m:val="lin"/></m:fPr><m:num>${r('a')}</m:num><m:den>${r('b+1')}</m:den></m:f>`, 'a/{b+1}'],
  [
    'a binomial',
    `<m:d>${e(`<m:f><m:fPr><m:type m:val="noBar"/></m:fPr><m:num>${r('n')}</m:num><m:den>${r('k')}</m:den></m:f>`)}</m:d>`,
    '\\left( \\genfrac{}{}{0pt}{}{n}{k} \\right)',
  ],
  ['a root with degree', `<m:rad><m:deg>${r('3')}</m:deg>${e(r('x'))}</m:rad>`, '\\sqrt[3]{x}'],
  ['a hidden degree', `<m:rad><m:radPr><m:degHide m:val="1"/></m:radPr><m:deg/>${e(r('x'))}</m:rad>`, '\\sqrt{x}'],
  ['scripts', `<m:sSubSup>${e(r('x'))}<m:sub>${r('i')}</m:sub><m:sup>${r('2')}</m:sup></m:sSubSup>`, 'x_{i}^{2}'],
  ['a script on a sum', `<m:sSup>${e(r('a+b'))}<m:sup>${r('2')}</m:sup></m:sSup>`, '{a+b}^{2}'],
  ['an integral', `<m:nary><m:sub>${r('0')}</m:sub><m:sup>${r('∞')}</m:sup>${e(r('f(x)dx'))}</m:nary>`, '\\int_{0}^{\\infty} f(x)dx'],
  [
    'a sum with a hidden limit',
    `<m:nary><m:naryPr><m:chr m:val="∑"/><m:supHide m:val="1"/></m:naryPr><m:sub>${r('i∈S')}</m:sub><m:sup/>${e(r('i'))}</m:nary>`,
    '\\sum_{i\\in S} i',
  ],
  [
    'a matrix in brackets',
    `<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr>${e(`<m:m><m:mr>${e(r('1'))}${e(r('0'))}</m:mr><m:mr>${e(r('0'))}${e(r('1'))}</m:mr></m:m>`)}</m:d>`,
    '\\left[ \\begin{matrix} 1 & 0 \\\\ 0 & 1 \\end{matrix} \\right]',
  ],
  [
    'cases with an open side',
    `<m:d><m:dPr><m:begChr m:val="{"/><m:endChr m:val=""/></m:dPr>${e(`<m:eqArr>${e(r('x+y=3'))}${e(r('x−y=1'))}</m:eqArr>`)}</m:d>`,
    '\\left\\{ \\begin{aligned} x+y=3 \\\\ x-y=1 \\end{aligned} \\right.',
  ],
  ['a function', `<m:func><m:fName>${r('sin')}</m:fName>${e(r('θ'))}</m:func>`, '\\sin \\theta'],
  ['an unknown function', `<m:func><m:fName>${r('rank')}</m:fName>${e(r('A'))}</m:func>`, '\\operatorname{rank} A'],
  [
    'a limit',
    `<m:func><m:fName><m:limLow>${e(r('lim'))}<m:lim>${r('x→0')}</m:lim></m:limLow></m:fName>${e(r('f'))}</m:func>`,
    '\\lim_{x\\to 0} f',
  ],
  ['a vector', `<m:acc><m:accPr><m:chr m:val="\u20d7"/></m:accPr>${e(r('v'))}</m:acc>`, '\\vec{v}'],
  ['a wide vector', `<m:acc><m:accPr><m:chr m:val="\u20d7"/></m:accPr>${e(r('AB'))}</m:acc>`, '\\overrightarrow{AB}'],
  ['a bar', `<m:bar><m:barPr><m:pos m:val="top"/></m:barPr>${e(r('x'))}</m:bar>`, '\\overline{x}'],
  ['an underbrace', `<m:groupChr><m:groupChrPr><m:chr m:val="⏟"/></m:groupChrPr>${e(r('a+b'))}</m:groupChr>`, '\\underbrace{a+b}'],
  ['blackboard letters', `<m:r><m:rPr><m:scr m:val="double-struck"/></m:rPr><m:t>R</m:t></m:r>`, '\\mathbb{R}'],
  ['Chinese words', r('速度=路程'), '\\text{速度}=\\text{路程}'],
  ['characters special to LaTeX', r('50% & #1'), '50\\% \\& \\#1'],
  ['mathematical letters', r('𝑥∈ℝ'), 'x\\in \\mathbb{R}'],
  ['degrees', r('30°'), '30^{\\circ}'],
]

test.each(CASES)('%s', (_name, omml, latex) => {
  const result = ommlToLatex(parseXml(`<m:oMath ${NAMESPACE}>${omml.replaceAll('&', '&amp;')}</m:oMath>`, DEFAULT_LIMITS))
  expect(result).toBe(latex)
  expect(katex.renderToString(result, { throwOnError: true, strict: 'ignore' })).toContain('katex')
})
