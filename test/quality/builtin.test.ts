// What the embedding without weights can find: recall@5 on a small labelled set of our own, each query answered by one or two passages.
import { describe, expect, it } from 'vitest'
import { embedText } from '../../src/models/builtin/embedding.ts'

const PASSAGES = [
  '二次函数 y=ax^2+bx+c 的图像是一条抛物线，a 大于零时开口向上，顶点是它的最低点。',
  '二次函數的頂點座標可以用配方法求得，對稱軸通過頂點。',
  '一元二次方程的判别式大于零时，方程有两个不相等的实数根。',
  '一次函数的图像是一条直线，斜率表示它的倾斜程度，截距是与 y 轴的交点。',
  '勾股定理：直角三角形两直角边的平方和等于斜边的平方。',
  '畢氏定理可用來計算直角三角形的斜邊長度。',
  '三角形的内角和是一百八十度，外角等于不相邻的两个内角之和。',
  '圆的面积等于圆周率乘以半径的平方，周长等于直径乘以圆周率。',
  '等差数列相邻两项的差是常数，这个常数叫做公差。',
  '等比數列的每一項與前一項的比是公比，可求無窮項之和。',
  '对数是指数的逆运算，换底公式可以把对数化为同一底数。',
  '導數表示函數在某一點的變化率，也就是切線的斜率。',
  '定积分可以求曲线下方区域的面积，与导数互为逆运算。',
  '概率是描述随机事件发生可能性大小的数，取值在零与一之间。',
  '標準差量度數據相對平均數的離散程度，方差是它的平方。',
  '中位数是把数据从小到大排列后位于中间的数值，众数出现次数最多。',
  '向量既有大小又有方向，两个向量的数量积等于模长与夹角余弦的乘积。',
  '矩陣乘法不滿足交換律，行列式不為零的方陣有逆矩陣。',
  '光合作用在叶绿体中进行，利用光能把二氧化碳和水合成葡萄糖，并释放氧气。',
  '呼吸作用分解葡萄糖，釋放能量供細胞使用，產生二氧化碳。',
  '细胞膜控制物质进出细胞，细胞核储存遗传信息。',
  '有絲分裂產生兩個遺傳物質相同的子細胞。',
  '减数分裂产生配子，染色体数目减半。',
  '食物链表示生产者和消费者之间的能量流动关系，能量逐级递减。',
  '牛顿第二定律指出加速度与合外力成正比，与质量成反比。',
  '歐姆定律：電流與電壓成正比，與電阻成反比。',
  '凸透镜可以会聚光线，物距大于两倍焦距时成倒立缩小的实像。',
  '聲音在空氣中的傳播速度約為每秒三百四十米，真空不能傳聲。',
  '酸与碱发生中和反应，生成盐和水，同时放出热量。',
  '氧化還原反應中電子轉移，失去電子的物質被氧化。',
  '元素周期表按原子序数排列，同一族元素的化学性质相似。',
  '催化劑改變反應速率，而本身的質量在反應前後不變。',
  '板塊移動造成地震和火山，環太平洋地帶最為活躍。',
  '水循环包括蒸发、凝结和降水，太阳辐射是它的动力。',
  '季风气候夏季高温多雨，冬季寒冷干燥。',
  '辛亥革命在一九一一年推翻清朝，建立中華民國。',
  '工业革命始于英国，蒸汽机的改良使工厂取代了手工作坊。',
  '需求定律说明价格上升时需求量下降，其他条件不变。',
  '通货膨胀是一般物价水平持续上升，货币购买力下降。',
  '記敘文的六要素是時間、地點、人物、起因、經過和結果。',
  '議論文由論點、論據和論證三部分組成。',
  '比喻把一种事物比作另一种事物，使描写更加生动形象。',
  '排序演算法包括泡沫排序和快速排序，複雜度各有不同。',
  '软件测试用例应覆盖边界条件，程序设计要先分析需求。',
  'A quadratic function has a parabola as its graph; the vertex is its turning point.',
  'Completing the square rewrites a quadratic expression and reveals its vertex.',
  'The discriminant of a quadratic equation tells how many real roots it has.',
  "Pythagoras' theorem relates the three sides of a right-angled triangle.",
  'The sine rule and the cosine rule solve triangles without a right angle.',
  'An arithmetic sequence has a common difference between consecutive terms.',
  'The derivative measures the rate of change of a function at a point.',
  'Integration finds the area under a curve and reverses differentiation.',
  'Standard deviation measures how spread out the data are around the mean.',
  'Two events are independent when the probability of one does not depend on the other.',
  'Photosynthesis takes place in chloroplasts and stores light energy in glucose.',
  'Respiration releases energy from glucose in the mitochondria.',
  'Enzymes are biological catalysts whose activity depends on temperature and pH.',
  "Newton's third law says that forces come in pairs of equal size and opposite direction.",
  "Ohm's law states that current is proportional to voltage at constant temperature.",
  'Isotopes are atoms of one element with different numbers of neutrons.',
  'Inflation is a sustained rise in the general price level of an economy.',
  'The industrial revolution replaced handicraft by machines and factories.',
  'A metaphor describes one thing as if it were another, without using like or as.',
  'Plate tectonics explains earthquakes, volcanoes and the drift of continents.',
]

const QUERIES: [string, number[]][] = [
  ['二次函數的圖像開口方向', [0]],
  ['怎样用配方法求顶点', [1]],
  ['判別式和方程的根有什麼關係', [2]],
  ['直线的斜率和截距', [3]],
  ['勾股定理是什麼？', [4, 5]],
  ['毕氏定理怎么用', [4, 5]],
  ['三角形內角和', [6]],
  ['怎么计算圆的面积', [7]],
  ['公差是什么', [8]],
  ['等比数列求和', [9]],
  ['換底公式', [10]],
  ['导数和切线斜率', [11]],
  ['曲線下的面積如何求', [12]],
  ['随机事件的或然率', [13]],
  ['标准差与方差', [14]],
  ['眾數和中位數的分別', [15]],
  ['向量的数量积', [16]],
  ['逆矩阵存在的条件', [17]],
  ['葉綠體的功能', [18]],
  ['细胞怎样获得能量', [19]],
  ['减数分裂与染色体', [22]],
  ['食物鏈中能量怎樣流動', [23]],
  ['加速度与力的关系', [24]],
  ['电阻电流电压', [25]],
  ['中和反應的產物', [28]],
  ['什么是氧化', [29]],
  ['为什么会发生地震', [32]],
  ['清朝是怎麼結束的', [35]],
  ['物價上升與貨幣', [38]],
  ['议论文的组成', [40]],
  ['快速排序算法', [42]],
  ['軟體測試', [43]],
  ['graph of quadratic functions', [44]],
  ['how do I complete a square', [45]],
  ['number of real roots', [46]],
  ['sides of right-angled triangles', [47]],
  ['What is the common difference of arithmetic sequences?', [49]],
  ['area under curves', [51]],
  ['spread of data around the mean', [52]],
  ['independent events probability', [53]],
  ['where does photosynthesis happen', [54]],
  ['How do enzymes depend on temperatures?', [56]],
  ['laws of Newton on forces', [57]],
  ['What causes volcanoes and earthquakes?', [63]],
]

/** The same question in the other language; the model has no dictionary, so this is shown, not promised. */
const CROSS_LANGUAGE: [string, number[]][] = [
  ['什么是光合作用', [54]],
  ['标准差', [52]],
  ['勾股定理', [47]],
  ['What is inflation?', [38]],
  ['food chain', [23]],
]

const VECTORS = PASSAGES.map((passage) => embedText(passage))

function ranking(query: string): { passage: number; score: number }[] {
  const vector = embedText(query)
  return VECTORS.map((other, passage) => ({ passage, score: other.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0) })).toSorted(
    (a, b) => b.score - a.score || a.passage - b.passage,
  )
}

/** Mean share of the labelled passages among the first k. */
function recall(queries: readonly [string, number[]][], k: number): number {
  const shares = queries.map(([query, wanted]) => {
    const first = new Set(
      ranking(query)
        .slice(0, k)
        .map(({ passage }) => passage),
    )
    return wanted.filter((passage) => first.has(passage)).length / wanted.length
  })
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN

describe('retrieval by the built-in embedding', () => {
  it('finds at least 95 % of the labelled passages among the first five, where chance finds 8 %', () => {
    const related = QUERIES.flatMap(([query, wanted]) => ranking(query).filter(({ passage }) => wanted.includes(passage))).map(
      ({ score }) => score,
    )
    const unrelated = QUERIES.flatMap(([query, wanted]) => ranking(query).filter(({ passage }) => !wanted.includes(passage))).map(
      ({ score }) => score,
    )
    const quantiles = (scores: number[]): string =>
      [0.05, 0.5, 0.95]
        .map((q) =>
          quantile(
            scores.toSorted((a, b) => a - b),
            q,
          ).toFixed(2),
        )
        .join(' / ')
    console.info(
      [
        `${QUERIES.length} queries, ${PASSAGES.length} passages: recall@1 ${recall(QUERIES, 1).toFixed(3)}, recall@5 ${recall(QUERIES, 5).toFixed(3)}, chance@5 ${(5 / PASSAGES.length).toFixed(3)}`,
        `cosine, 5 / 50 / 95 % quantile: related ${quantiles(related)}, unrelated ${quantiles(unrelated)}`,
        `across languages: recall@5 ${recall(CROSS_LANGUAGE, 5).toFixed(3)}`,
        ...QUERIES.flatMap(([query, wanted]) => (recall([[query, wanted]], 5) < 1 ? [`missed: ${query}`] : [])),
      ].join('\n'),
    )
    // Measured: 1.000 and 0.886; the floors leave a margin of two queries at 5 and three at 1.
    expect(recall(QUERIES, 5)).toBeGreaterThanOrEqual(0.95)
    expect(recall(QUERIES, 1)).toBeGreaterThanOrEqual(0.8)
  })

  it('separates: the median related passage is nearer than 95 % of the unrelated ones', () => {
    const related = QUERIES.map(([query, wanted]) =>
      Math.max(
        ...ranking(query)
          .filter(({ passage }) => wanted.includes(passage))
          .map(({ score }) => score),
      ),
    )
    const unrelated = QUERIES.flatMap(([query, wanted]) =>
      ranking(query)
        .filter(({ passage }) => !wanted.includes(passage))
        .map(({ score }) => score),
    )
    expect(
      quantile(
        related.toSorted((a, b) => a - b),
        0.5,
      ),
    ).toBeGreaterThan(
      2 *
        quantile(
          unrelated.toSorted((a, b) => a - b),
          0.95,
        ),
    )
  })
})
