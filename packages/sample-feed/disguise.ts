import type { Random } from './random.ts'

/** How writers hide words from filters. Most also occur in harmless texts, as play. */
export const DISGUISES = [
  'homophone',
  'full_width',
  'separators',
  'zero_width',
  'emoji',
  'split_characters',
  'traditional',
  'swap',
] as const
export type Disguise = (typeof DISGUISES)[number]

/** `加珈家` means: 加 may be written 珈 or 家. Written for this package. */
const HOMOPHONES = spellings(
  '微薇威徽 信芯心伩 加珈嘉伽 群裙峮 号昊耗浩 聊撩料 扣抠蔻 私司丝 钱浅前 赌堵睹 博搏铂 骗片谝 死亖4 傻煞沙 滚磙衮 丑臭瞅 废费肺 ' +
    '猪朱诸 狗苟垢 皮批 肤夫 领另岭 免勉 费废沸 送颂 票飘瓢 充冲 币比毕 号皓 卖麦迈 买荬 租祖 陪培赔 玩顽丸 带戴 单丹 妹魅 哥歌 ' +
    '照赵罩 片骗 视是事 频贫 约曰 见件 面缅 密蜜 裸果螺 黄皇璜 色涩瑟 药要耀 枪呛 刀叨 烟咽 酒九久 纹文 身申 逃桃 课颗 自字 杀纱 ' +
    '刷涮 兼奸 职值 赚撰 元圆 块快 代袋 办扮 查察 开凯 盒合 人仁 肉柔 爸八 妈麻 告诰 诉素 别憋 秘迷 朋盆 友右 看康 的滴哒 是4 我偶窝 ' +
    '喜稀 欢换 你尼 好郝 什神 么莫 这介 吃呲 了啦 不布 图兔 搜嗖 链练 接街 扫嫂 码马玛 二贰 维唯 头投 像象 名铭 字自 关官 注住 点典',
)

const EMOJI = spellingsOf({
  加: ['➕', '＋'],
  钱: ['💰', '💴'],
  赌: ['🎲', '🎰'],
  票: ['🎫', '🎟️'],
  药: ['💊'],
  枪: ['🔫'],
  刀: ['🔪'],
  烟: ['🚬'],
  酒: ['🍺', '🍻'],
  猪: ['🐷', '🐽'],
  狗: ['🐶', '🐕'],
  鸡: ['🐔', '🐤'],
  鱼: ['🐟'],
  牛: ['🐮', '🐂'],
  马: ['🐎', '🐴'],
  车: ['🚗', '🏎️'],
  花: ['🌸', '🌹'],
  草: ['🌿', '🌱'],
  心: ['❤️', '💗'],
  蛋: ['🥚'],
  脸: ['😊', '🌚'],
  笑: ['😂', '🤣'],
  哭: ['😭'],
  吃: ['🍴'],
  死: ['💀', '☠️'],
  妹: ['👧', '👭'],
  爸: ['👨'],
  妈: ['👩'],
  看: ['👀'],
  手: ['✋'],
  送: ['🎁'],
  照: ['📷', '📸'],
  信: ['✉️', '💬'],
  聊: ['💬'],
  电: ['⚡'],
  扫: ['🧹'],
  书: ['📖'],
  猫: ['🐱'],
  雨: ['🌧️'],
  水: ['💧'],
  家: ['🏠'],
  火: ['🔥'],
  星: ['⭐'],
  币: ['🪙'],
})

const SPLITS = spellingsOf({
  加: ['力口'],
  好: ['女子'],
  信: ['亻言'],
  群: ['君羊'],
  骗: ['马扁'],
  赌: ['贝者'],
  钱: ['钅戋'],
  聊: ['耳卯'],
  视: ['礻见'],
  频: ['步页'],
  约: ['纟勺'],
  炮: ['火包'],
  死: ['歹匕'],
  贱: ['贝戋'],
  妈: ['女马'],
  妹: ['女未'],
  枪: ['木仓'],
  赚: ['贝兼'],
  彩: ['采彡'],
  票: ['西示'],
  码: ['石马'],
  私: ['禾厶'],
  骂: ['口口马'],
  蠢: ['春虫虫'],
  智: ['知日'],
  障: ['阝章'],
  废: ['广发'],
  狗: ['犭句'],
  滚: ['氵衮'],
  的: ['白勺'],
  吗: ['口马'],
  吃: ['口乞'],
  明: ['日月'],
  朋: ['月月'],
  林: ['木木'],
  话: ['讠舌'],
  请: ['讠青'],
  皮: ['疒皮'],
  照: ['昭灬'],
  帅: ['丨巾'],
  领: ['令页'],
  送: ['辶关'],
  陪: ['阝咅'],
  玩: ['王元'],
  租: ['禾且'],
  烟: ['火因'],
  酒: ['氵酉'],
  杀: ['乂木'],
  课: ['讠果'],
  做: ['亻故'],
  谁: ['讠隹'],
  她: ['女也'],
})

const TRADITIONAL = spellings(
  '个個 们們 这這 来來 时時 会會 说說 对對 发發 过過 学學 为為 动動 见見 长長 开開 关關 东東 车車 马馬 鱼魚 鸟鳥 钱錢 买買 卖賣 ' +
    '网網 图圖 书書 话話 语語 请請 谁誰 贝貝 费費 赚賺 赌賭 骗騙 视視 频頻 领領 让讓 认認 识識 爱愛 妈媽 吗嗎 谢謝 给給 级級 线線 红紅 ' +
    '绿綠 药藥 枪槍 烟煙 猪豬 鸡雞 废廢 烂爛 丑醜 脏髒 滚滾 贱賤 杀殺 单單 号號 应應 难難 师師 别別 儿兒 听聽 体體 办辦 级級 业業 门門 问問',
)

const SEPARATORS = ['.', '·', ' ', '*', '-', '_', '、', '|', '~', '/', '丶', '…']
const ZERO_WIDTH = ['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff']

function spellings(table: string): Map<string, readonly string[]> {
  const map = new Map<string, readonly string[]>()
  for (const row of table.split(' ')) {
    const [plain, ...others] = [...row]
    map.set(plain!, [...(map.get(plain!) ?? []), ...others])
  }
  return map
}

function spellingsOf(table: Readonly<Record<string, readonly string[]>>): Map<string, readonly string[]> {
  return new Map(Object.entries(table))
}

/**
 * Rewrites the text between two offsets (UTF-16 code units) with one disguise. A disguise that finds
 * nothing to rewrite there leaves the text as it is.
 */
export function disguiseRange(
  text: string,
  start: number,
  end: number,
  how: Disguise,
  random: Random,
): string {
  const before = text.slice(0, start)
  const characters = [...text.slice(start, end)]
  return before + rewrite(characters, how, random) + text.slice(end)
}

function rewrite(characters: string[], how: Disguise, random: Random): string {
  switch (how) {
    case 'homophone':
      return replaced(characters, HOMOPHONES, 0.6, random)
    case 'emoji':
      return replaced(characters, EMOJI, 0.9, random)
    case 'split_characters':
      return replaced(characters, SPLITS, 0.85, random)
    case 'traditional':
      return replaced(characters, TRADITIONAL, 0.9, random)
    case 'full_width':
      return fullWidth(characters)
    case 'separators':
      return joined(characters, random.pick(SEPARATORS), 1, random)
    case 'zero_width':
      return joined(characters, random.pick(ZERO_WIDTH), 0.6, random)
    case 'swap':
      return swapped(characters, random)
  }
}

function replaced(
  characters: readonly string[],
  table: ReadonlyMap<string, readonly string[]>,
  share: number,
  random: Random,
): string {
  let text = ''
  for (const character of characters) {
    const others = table.get(character)
    text += others !== undefined && random.chance(share) ? random.pick(others) : character
  }
  return text
}

/** ASCII from ! to ~ to its full-width form, U+FEE0 above. */
function fullWidth(characters: readonly string[]): string {
  let text = ''
  for (const character of characters) {
    const code = character.charCodeAt(0)
    text += code > 0x20 && code < 0x7f ? String.fromCharCode(code + 0xfee0) : character
  }
  return text
}

function joined(characters: readonly string[], separator: string, share: number, random: Random): string {
  let text = characters[0] ?? ''
  for (let i = 1; i < characters.length; i++) {
    text += share === 1 || random.chance(share) ? separator + characters[i]! : characters[i]!
  }
  return text
}

/**
 * Two neighbours change places: readers hardly notice. Never in numbers and links, which would no longer
 * be the ones that belong to nobody.
 */
function swapped(characters: string[], random: Random): string {
  const pairs = characters.length - 1
  const first = random.below(Math.max(1, pairs))
  for (let tries = 0; tries < pairs; tries++) {
    const i = (first + tries) % pairs
    const [a, b] = [characters[i]!, characters[i + 1]!]
    if (a === b || !swappable(a) || !swappable(b)) continue
    characters[i] = b
    characters[i + 1] = a
    break
  }
  return characters.join('')
}

/** Whether the character is beyond ASCII. */
const swappable = (character: string) => character.charCodeAt(0) > 0x7f

/**
 * Disguises a text: its cores (flat pairs of offsets, ascending) or, where it has none, a run of a few
 * characters, with one or two methods. Returns the text itself where nothing could be changed.
 */
export function disguise(text: string, cores: readonly number[], random: Random): string {
  const methods = random.chance(0.2) ? 2 : 1
  let result = text
  for (let round = 0; round < methods; round++) {
    // After the first method the offsets are no longer true, so the second takes a run. It never swaps: that could undo the first.
    if (cores.length > 0 && round === 0) {
      for (let pair = cores.length - 2; pair >= 0; pair -= 2) {
        result = applied(result, cores[pair]!, cores[pair + 1]!, DISGUISES.length, random)
      }
    } else {
      const start = boundary(result, random.below(Math.max(1, result.length - 4)))
      const end = boundary(result, Math.min(result.length, start + random.between(2, 8)))
      result = applied(result, start, end, round === 0 ? DISGUISES.length : DISGUISES.length - 1, random)
    }
  }
  return result
}

/** The first of `methods` disguises, from a random one on, that changes the range. */
function applied(text: string, start: number, end: number, methods: number, random: Random): string {
  const first = random.below(methods)
  for (let i = 0; i < methods; i++) {
    const result = disguiseRange(text, start, end, DISGUISES[(first + i) % methods]!, random)
    if (result !== text) return result
  }
  return text
}

/** The offset, moved forward by one where it would cut a surrogate pair in two. */
export function boundary(text: string, offset: number): number {
  const code = text.charCodeAt(offset)
  return code >= 0xdc00 && code <= 0xdfff ? offset + 1 : offset
}
