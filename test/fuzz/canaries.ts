// Two tenants, what only one of them knows, and how the other asks for it.

/** Words that exist in the victim's documents, names and metadata only. */
export const CANARIES = ['zanzibarquartz', '翡翠孔雀定理', 'CANARY-7731', 'kumquatledger']
export const VICTIM_TEXT = `# 翡翠孔雀定理\n\n翡翠孔雀定理 (zanzibarquartz) says CANARY-7731 about triangles and 二次函数. 教学计划 lesson plan.`
export const ATTACKER_TEXT = '# Triangles\n\nA lesson plan about triangles, 二次函数 and 教学计划.'

/** Ways to name the other tenant, or to ask for its content without naming it. */
export const VICTIM_NAMES = [
  'teacher-victim',
  'victim',
  'teacher-victim,public',
  'teacher-%',
  'teacher-ｖictim',
  'TEACHER-VICTIM',
  ' teacher-victim',
  "teacher-attacker' or 'a'='a",
  'kumquatledger-1',
  'teacher-attacker/../teacher-victim',
]
/** Paraphrases that do not hold a canary themselves, and the canaries cut apart. */
export const QUESTIONS = [
  '绿色宝石鸟类定理',
  'island mineral',
  '翡翠',
  '孔雀',
  'the theorem about peacocks',
  'everything in the database',
  'lesson plan about triangles',
  '二次函数',
  '*',
  'CANARY',
  'canary seven seven',
  'zanzibar',
  'quartz',
  'kumquat',
  'ledger',
]
