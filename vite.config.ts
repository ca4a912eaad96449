// How the console becomes static files. The service serves them with `script-src 'self'`, so nothing may be inlined.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { Converter } from 'opencc-js/cn2t'
import { defineConfig, type Plugin } from 'vite'

const toHongKong = Converter({ from: 'cn', to: 'hk' })
const OUT = join(import.meta.dirname, 'dist/console')

/** Every browser that runs this console reads WOFF2; the other two copies of each formula font would only fill the disk. */
const oneFontFormat: Plugin = {
  name: 'one-font-format',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('katex.min.css')
      ? code
          .replaceAll(/,\s*url\([^)]+\.(?:woff|ttf)\)\s*format\("[^"]+"\)/g, '')
          // A formula is read in another font rather than not at all while its own is on the way.
          .replaceAll('font-display:block', 'font-display:swap')
      : undefined,
}

/** Words that Hong Kong does not merely write in other characters. */
const HONG_KONG: readonly (readonly [string, string])[] = [
  ['文档', '文件'],
  ['上传', '上載'],
  ['下载', '下載'],
  ['加载', '載入'],
  ['退出登录', '登出'],
  ['登录', '登入'],
  ['默认', '預設'],
  ['队列', '佇列'],
  ['服务器', '伺服器'],
  ['数据库', '資料庫'],
  ['网络', '網絡'],
  ['信息', '資訊'],
  ['字符', '字元'],
  ['语言模型', '語言模型'],
  ['“', '「'],
  ['”', '」'],
]

/** `zh.ts?hant` is the same module in traditional characters, so that there is one list of words to keep. */
const traditional: Plugin = {
  name: 'traditional-characters',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('?hant') ? toHongKong(HONG_KONG.reduce((text, [mainland, local]) => text.replaceAll(mainland, local), code)) : undefined,
}

/** The server sends these beside the originals, to whoever accepts them, without compressing at run time. */
const precompressed: Plugin = {
  name: 'precompressed',
  closeBundle() {
    for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(?:js|css|html|svg)$/.test(name)) continue
      const path = join(OUT, name)
      const bytes = readFileSync(path)
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
    }
  },
}

export default defineConfig({
  root: join(import.meta.dirname, 'src/console'),
  // Relative, so that the console also works behind a gateway that puts a prefix before it.
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [oneFontFormat, traditional, precompressed],
  build: { outDir: OUT, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022' },
})
