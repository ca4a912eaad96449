// What the generated notes speak of and how: topics that documents share, and sentences with places for them.

const SUBJECTS = [
  '直角',
  '等腰',
  '二次',
  '一次',
  '指数',
  '对数',
  '三角',
  '反比例',
  '线性',
  '离散',
  '条件',
  '复合',
  '向量',
  '坐标',
  '圆周',
  '平面',
  '空间',
  '极限',
  '导数',
  '积分',
]
const KINDS = ['三角形定理', '函数', '方程', '不等式公式', '数列定律', '概率公式', '变换法则', '图像定理', '求和公式', '分布定律']
const ADJECTIVES = ['Quadratic', 'Linear', 'Binomial', 'Normal', 'Circular', 'Inverse', 'Compound', 'Discrete', 'Remainder', 'Conditional']
const NOUNS = [
  'Formula',
  'Theorem',
  'Function',
  'Equation',
  'Distribution',
  'Sequence',
  'Inequality',
  'Identity',
  'Expansion',
  'Transformation',
]

/** Interleaved, so that the frequent topics at the front are of every kind. */
const products = (first: readonly string[], second: readonly string[], joint: string): string[] =>
  second.flatMap((_, shift) => first.map((word, index) => `${word}${joint}${second[(index + shift) % second.length]}`))

export const CHINESE_TOPICS = products(SUBJECTS, KINDS, '')
export const ENGLISH_TOPICS = products(ADJECTIVES, NOUNS, ' ')

export const CHINESE_SENTENCES = [
  '学习{a}之前要先掌握{b}，否则容易在第{n}题这样的综合题里出错。',
  '{a}是{b}的基础，课堂上用了{n}分钟说明两者的联系。',
  '从{b}出发可以推出{a}，推导时要注意定义域的限制。',
  '例{n}：已知条件满足{a}，求证结论对所有正整数成立。',
  '同学们常把「{a}」与「{b}」混淆，批改时请核对每一步的理由。',
  '评分标准：写出{a}得两分，正确代入得一分，结论完整再得一分。',
  '{a}在公开考试中每年都会出现，去年第{n}卷考了它的变式。',
  '画出图像以后，{a}的性质就很清楚了，再与{b}比较增减区间。',
  '注意单位换算；这里的{n}厘米要先化为米，再使用{a}。',
  '小组讨论时请用自己的话解释{a}，并举出一个不适用的例子。',
  '如果忘记了{b}，可以用{a}重新推导，步骤见上一节。',
  '作业共{n}页，其中后半部分练习{a}的应用，周五之前交回。',
]

export const ENGLISH_SENTENCES = [
  'The {a} should be learnt before the {b}, because question {n} of the revision paper needs both. ',
  'Students often confuse the {a} with the {b} when the coefficients are negative. ',
  'Example {n}: apply the {a} and check that the answer lies in the given interval. ',
  'A full proof of the {a} is not required, but the statement must be quoted correctly. ',
  'Marks are awarded for stating the {a}, for substituting {n} correctly, and for the conclusion. ',
  'In the second half of the lesson we derived the {b} from the {a} with a simple diagram. ',
  'Note that the {a} does not hold when the denominator is zero, so exclude that case first. ',
]
