// What the built-in extractor knows of school language: endings that make a term, words that never are one, and cue words.
// Chinese is written in simplified characters here; text is aligned to them before it is compared.

/** The last characters of a Chinese term and the type they give it; longer endings are tried first. */
const CHINESE_ENDINGS: Record<string, string> = {
  theorem: '定理 定律 法则 原理 公理 推论 引理 猜想 准则',
  formula: '公式 方程 方程式 方程组 不等式 恒等式 判别式 表达式 通项',
  method: '配方法 算法 方法 分解法 分析法 归纳法 反证法 代入法 消元法 换元法 待定系数法 图解法 实验法 教学法 求根法 记忆法 因式分解 法',
  knowledge_point:
    '函数 导数 积分 极限 数列 级数 向量 矩阵 行列式 概率 分布 系数 对数 指数 多项式 单项式 三角形 四边形 多边形 平行线 抛物线 双曲线 直线 曲线 有理数 无理数 实数 复数 整数 ' +
    '分数 小数 比例 坐标 坐标系 斜率 截距 顶点 对称轴 定义域 值域 图像 集合 命题 方差 标准差 平均数 中位数 众数 期望 概型 统计量 圆锥 圆柱 椭圆 内角 外角 勾股数',
  concept:
    '作用 反应 效应 现象 系统 制度 主义 理论 学说 概念 思想 规律 力 能量 能 场 电流 电压 电阻 速度 加速度 密度 压强 功率 频率 波长 元素 化合物 离子 分子 原子 细胞 组织 器官 ' +
    '基因 蛋白质 染色体 光谱 循环 周期 平衡 浓度 溶液 溶解度 生态系统 食物链 气候 地貌 板块 洋流 市场 成本 需求 供给 通货膨胀 语法 修辞 文体 时态 从句 素养 能力 评量 量规',
  event: '战争 战役 革命 运动 事件 起义 条约 变法 改革 会议 维新',
  organization: '大学 学院 中学 小学 公司 研究所 委员会 考评局 教育局 出版社 联合国',
  location: '半岛 山脉 盆地 高原 平原 海峡 沙漠 流域',
}

const ENGLISH_HEADS: Record<string, string> = {
  theorem: 'theorem law principle axiom corollary lemma conjecture rule',
  formula: 'formula equation inequality identity',
  method: 'method algorithm technique procedure strategy',
  knowledge_point:
    'function derivative integral sequence series matrix vector polynomial triangle quadrilateral polygon parabola hyperbola ellipse logarithm probability distribution ' +
    'coefficient discriminant vertex gradient slope deviation variance fraction ratio axis tangent circle',
  concept:
    'reaction effect cycle process force energy theory model system cell acid base bond field current voltage resistance tense clause inflation demand supply ecosystem',
  event: 'war revolution movement treaty uprising reform',
  organization: 'university college authority bureau institute committee council',
}

function byWord(lists: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(lists).flatMap(([type, words]) => words.split(' ').map((word): [string, string] => [word, type])))
}

const ENDINGS = byWord(CHINESE_ENDINGS)
const HEADS = byWord(ENGLISH_HEADS)
const LONGEST_ENDING = Math.max(...Array.from(ENDINGS.keys(), (ending) => ending.length))

/** Endings of two or more characters, as one alternation, longest first; single characters (法, 力, 能) only help to type. */
export const CHINESE_ENDING_PATTERN = Array.from(ENDINGS.keys())
  .filter((ending) => ending.length > 1)
  .toSorted((a, b) => b.length - a.length)
  .join('|')

export const ENGLISH_HEAD_PATTERN = Array.from(HEADS.keys()).join('|')

/** The type a term's last word gives it, `undefined` when the lexicon does not know the word. */
export function typeByEnding(name: string): string | undefined {
  for (let size = Math.min(LONGEST_ENDING, name.length); size >= 1; size -= 1) {
    const type = ENDINGS.get(name.slice(-size))
    if (type !== undefined) return type
  }
  const head = /([a-z]+?)s?$/i.exec(name)?.[0].toLowerCase() ?? ''
  return HEADS.get(head) ?? HEADS.get(head.replace(/s$/, ''))
}

/** A bare ending that is a subject of its own; others (公式, 方法, 系统) say nothing without what stands before them. */
export const STANDS_ALONE = new Set(
  (
    '导数 积分 极限 数列 级数 向量 矩阵 行列式 概率 对数 指数 多项式 三角形 四边形 平行线 抛物线 双曲线 有理数 无理数 实数 复数 斜率 截距 对称轴 定义域 值域 方差 标准差 中位数 众数 椭圆 判别式 因式分解 ' +
    '配方法 归纳法 反证法 代入法 消元法 换元法 电流 电压 电阻 加速度 密度 压强 功率 细胞 基因 蛋白质 染色体 生态系统 食物链 溶解度 通货膨胀 不等式 方程组 函数'
  ).split(' '),
)

/** The same in English. */
export const ENGLISH_STANDS_ALONE =
  'parabola hyperbola ellipse discriminant logarithm polynomial derivative integral matrix hypotenuse photosynthesis osmosis mitosis meiosis inflation'

/** Characters at which a Chinese term cannot begin or end, and at which the walk to its left border stops. */
export const FUNCTION_CHARACTERS = new Set(
  '的了是在和与跟或及也就都而把被将以为于对从由向到给让使令用可能会应要须需得我你您他她它们这那该此其之所每各某哪何谁吗呢吧啊呀着过很更最太较不没无非若如则且但并又还只才已曾正有称叫做即等个种些条项次第请'.split(
    '',
  ),
)

/** Terms whose characters look like function words; they are tried before the border rule. */
export const FUNCTION_EXCEPTIONS =
  /一次|二次|三次|多次|次方|高次|等差|等比|等腰|等边|不等|非负|无理|无穷|无限|有理|有机|有限|有丝|有氧|无氧|能量|动能|势能|功能|对数|对称|对角|对偶|向量|方向|向心|应用题|作用|效用|费用|反应|效应|正弦|正切|正比|正数|正方|正态|正多|以太|使役|条件|项数|多项|单项|通项|过程|得分|可逆|可导|非金属|如来|被动|被子|主动|称号|为政|其他|之和/g

/** Verbs and openers that stand before a term in a sentence; the walk to the left stops behind them. */
export const LEADING_WORDS =
  /根据|利用|使用|通过|应用|运用|采用|理解|掌握|学习|证明|计算|介绍|研究|讨论|包括|包含|属于|满足|得到|称为|叫做|叫作|定义|关于|例如|比如|以及|所谓|求出|求解|解出|判断|观察|比较|画出|写出|复习|认识|了解|说明|表示|描述|构成|组成|发生|进行|形成|产生|没有|其中|因此|所以|如果|当时|分为|作为|成为|依据|先修|前置|基础|需要|必须|常见|一般|重要|主要|基本|简单|相关|不同|特殊|普通|一些|一个|一种|一条|一类|本章|本节|上述|下列|以下|以上|决定|推翻|释放|转化|吸收|提出|建立|解决|反映|体现|影响|引起|导致|促进|控制|涉及|给出|确定|化为|推导|推出|验证|检验|绘制|求|解|设|令|指|含/g

/** Never an entity, whatever surrounds it. */
export const GENERIC = new Set(
  (
    '我们 你们 他们 同学 学生 老师 教师 问题 题目 答案 结果 目的 原因 例子 例题 特点 关键 重点 难点 内容 部分 时候 方面 情况 过程 步骤 方法 公式 定理 方程 图像 图形 作用 系统 能力 理论 概念 规律 现象 ' +
    '本章 本节 本题 第一 今天 作者 单元 课程 教学 教案 目标 活动 练习 作业 小结 总结 思考 讨论 注意 解答 证明 说明 前言 目录 附录 参考 表格 图片 其中 因此 所以 例如 如图 一般 所有 数值 数据 资料 信息 状态 存储 输入 输出 目标 ' +
    'example examples question questions answer answers note notes section chapter figure table page unit lesson exercise exercises introduction summary step steps part ' +
    'student students teacher teachers problem problems result results method methods formula equation function theorem law rule process system theory model content thing things way ' +
    'it this that these those there they we you one two three four such other first second third following above below'
  ).split(' '),
)

/** English words that may not begin a term found by its head noun. */
export const WEAK_MODIFIERS = new Set(
  (
    'following above below given general same new simple each any first second third last next every another certain important main common basic special different similar original ' +
    'resulting whole entire good called named known using use used find solve prove apply applying show shows draw write state consider via per more most less least many few several only also very ' +
    'called is are has have its their our your my is not can will may must let then when where which whose that gives give by both own means every ' +
    'convert relate describe determine contain include become produce release absorb require make change increase decrease affect cause learn study understand calculate measure represent define form provide need build depend'
  ).split(' '),
)
