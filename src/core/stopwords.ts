// Words that carry a question but not its subject, in English and (simplified) Chinese. Used on the query side and to damp embeddings;
// the index itself drops nothing, so a title made of small words can still be found.

export const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an the this that these those it its is are was were be been being am do does did doing have has had having i you he she we they me him her us them ' +
    'my your his our their of in on at by for with about to from into onto and or but if then than so as not no nor can could will would shall should ' +
    'may might must what which who whom whose when where why how there here please tell explain describe show give let between during such any some each also'
  ).split(' '),
)

/** Longest first within each scan; whatever is not listed here or among the kept words is content. */
export const CHINESE_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    '为什么 什么样 是什么 有什么 有哪些 怎么样 什么 怎样 怎么 如何 为何 哪些 哪个 哪里 哪种 哪一 多少 几个 是否 能否 可否 可不可以 能不能 是不是 有没有 请问 请 ' +
    '吗 呢 吧 啊 呀 的 地 了 着 是 和 与 跟 或 在 有 也 就 都 而 把 被 以及 及其 还是 或者 并且 而且 因为 所以 如果 可以 我们 你们 他们 它们 我 你 他 她 它 ' +
    '这个 那个 这些 那些 这 那 一个 一下 告诉 解释 说明 介绍 关于 之间 谁'
  ).split(' '),
)

/** Words that hold a stop character but are content; met first, they protect it. */
export const CHINESE_KEPT_WORDS: ReadonlySet<string> = new Set(
  (
    '目的 的士 地球 地理 地形 地图 地质 地震 地区 地方 地位 土地 陆地 大地 基地 当地 湿地 天地 盆地 外地 内地 本地 殖民地 了解 着重 沿着 是非 饱和 和平 和谐 总和 之和 求和 和差 共和 温和 中和 平和 缓和 ' +
    '参与 给与 与否 存在 现在 正在 内在 在线 所在 潜在 有理 有机 有限 有效 有氧 有丝 有序 有向 有界 有害 有性 有利 所有 具有 拥有 含有 没有 特有 私有 公有 国有 固有 占有 有色 成就 就业 就是 都市 首都 ' +
    '而言 然而 把握 被子 自我 我国 其他 吉他 成为 谁知 说明文 说明书 请求 申请 邀请 跟踪 跟随 或然 着陆 着色 附着 依着 显着 着作 着名'
  ).split(' '),
)

export const LONGEST_CHINESE_WORD = 4

/**
 * Splits a run of simplified Han characters at its stop words; the pieces that remain, in order.
 * Greedy, longest word first; kept words win over stop words of the same length.
 */
export function contentPieces(run: string): string[] {
  const pieces: string[] = []
  let piece = ''
  for (let i = 0; i < run.length;) {
    let length = 1
    let stop = false
    for (let size = Math.min(LONGEST_CHINESE_WORD, run.length - i); size >= 1; size -= 1) {
      const word = run.slice(i, i + size)
      stop = !CHINESE_KEPT_WORDS.has(word) && CHINESE_STOP_WORDS.has(word)
      if (stop || CHINESE_KEPT_WORDS.has(word)) {
        length = size
        break
      }
    }
    // A kept word may begin one character earlier than the stop character it protects (参|与).
    const before = run.slice(i - 1, i + 1)
    if (stop && length === 1 && i > 0 && CHINESE_KEPT_WORDS.has(before)) stop = false
    if (stop) {
      if (piece !== '') pieces.push(piece)
      piece = ''
    } else piece += run.slice(i, i + length)
    i += length
  }
  if (piece !== '') pieces.push(piece)
  return pieces
}
