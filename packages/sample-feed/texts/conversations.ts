import type { Category } from '@wardline/events'
import type { CampaignItem } from './harmful.ts'

/** A line of a conversation. `first` is who starts it, `second` the other. */
export interface Line {
  readonly by: 'first' | 'second'
  readonly templates: readonly string[]
}

/** Who talks to whom. */
export type Pairing =
  | 'adult_to_minor'
  | 'guardian_to_minor'
  | 'minor_to_minor'
  | 'adult_to_adult'
  | 'minor_to_adult'

/** An honest conversation. Lines come in this order; some are left out. */
export interface HonestConversation {
  readonly name: string
  readonly pairing: Pairing
  readonly weight: number
  readonly lines: readonly Line[]
}

const first = (...templates: string[]): Line => ({ by: 'first', templates })
const second = (...templates: string[]): Line => ({ by: 'second', templates })

/** Many hold a question or a promise that an approach would hold too: an age, a place to meet, a photo, a surprise. */
export const HONEST_CONVERSATIONS: readonly HonestConversation[] = [
  {
    name: 'teacher',
    pairing: 'adult_to_minor',
    weight: 4,
    lines: [
      first(
        '{nick}同学，今天的{subject}作业第{n9}题写错了，明天订正',
        '{nick}，你的{subject}作业还没交',
        '同学你好，我是你的{subject}老师，{surname}老师',
      ),
      second('好的老师', '老师我忘带了，明天补', '收到，谢谢老师{emoji}', '老师好'),
      first(
        '把你的解题过程拍张照片发给我看看',
        '哪一步不会，拍照发过来',
        '你现在几年级的知识有点没跟上，我们一步步补',
      ),
      second('[图片]', '就是最后一步不太懂', '我再算一遍', '老师我是{grade}的'),
      first(
        '辅助线画对了，再想一下面积关系',
        '很好，比上次有进步，加油',
        '明天课间来办公室，我给你讲',
        '下午放学后在教室等我，讲完就回家，我已经和你妈妈说了',
      ),
      second('谢谢老师', '懂了懂了{emoji}', '好，我跟妈妈说一声'),
      first('早点休息，别熬夜', '周末代表班级参赛，先别告诉同学，给大家一个惊喜', '记得让家长在试卷上签字'),
      second('老师再见', '好的，老师晚安', '嗯嗯'),
    ],
  },
  {
    name: 'coach',
    pairing: 'adult_to_minor',
    weight: 3,
    lines: [
      first(
        '{nick}，{weekday}{clock}{place}训练，别迟到',
        '这周{sport}加练一次，能来吗',
        '我是{sport}队{surname}教练，你妈妈给的联系方式',
      ),
      second('教练我能来', '我问下我爸', '收到', '教练，我脚有点疼'),
      first('你今年多大？报名表要填年龄组', '身高体重报一下，订队服用', '疼的话先停，让爸妈带你去看看'),
      second('十二岁', '一米五二，四十二公斤', '好的教练', '我妈说要先看医生'),
      first('好，填U12组。比赛那天家长可以陪同', '收到。队服周末发', '不急，养好再来'),
      second('我爸会来', '耶{emoji}', '谢谢教练'),
      first(
        '训练视频发我看看动作，手腕别压太低',
        '集合地点改到{place}，{clock}，让家长送到门口',
        '表现不错，继续保持',
      ),
      second('发您了', '收到，已告诉妈妈', '好的'),
    ],
  },
  {
    name: 'parent',
    pairing: 'guardian_to_minor',
    weight: 6,
    lines: [
      first('放学了吗', '到家没有', '宝贝在干嘛', '吃饭了没'),
      second('到了', '刚到家，好饿', '在写作业', '在路上'),
      first(
        '一个人在家别给陌生人开门',
        '爸妈今天加班，晚点回来',
        '发张照片给妈妈看看，穿得厚不厚',
        '冰箱里有{food}，热一下再吃',
      ),
      second('知道啦', '[图片]', '几点回来呀', '我不想吃{food}{emoji}'),
      first(
        '{clock}回来，给你带{food}',
        '乖，妈妈爱你{emoji}',
        '作业写完可以玩{n50}分钟平板',
        '给你转了{money}块，买文具用',
      ),
      second('好耶', '妈妈我也爱你', '能不能买{item}', '谢谢妈妈'),
      first(
        '期末考好了给你买，先别跟弟弟说',
        '周末带你去{place}',
        '别玩手机太久，早点睡',
        '我到楼下了，下来接一下',
      ),
      second('拉钩{emoji}', '好', '晚安妈妈', '马上下来'),
    ],
  },
  {
    name: 'shop',
    pairing: 'minor_to_adult',
    weight: 3,
    lines: [
      first('老板，{item}还有吗', '你好，这个{clothes}有小码吗', '请问{item}多少钱'),
      second('有的，亲', '有货，{money}元包邮', '小朋友下单请让爸爸妈妈来付款哦'),
      first('能便宜点吗', '我身高一米五穿什么码', '什么时候发货'),
      second('已经是最低价啦{emoji}', '一米五穿S码就可以，体重多少呀，帮你参考', '今天{clock}前下单今天发'),
      first('四十公斤', '那我让妈妈下单', '好的，下单了'),
      second('那S码合适', '好的，走平台付款，不要转账哦', '地址核对一下，没问题就发货了'),
      first('对的', '收到了，很喜欢', '有个地方坏了，怎么办'),
      second('喜欢就好，给个好评呀{emoji}', '拍张照片给我看看哪里坏了，给您换', '谢谢支持'),
    ],
  },
  {
    name: 'classmates',
    pairing: 'minor_to_minor',
    weight: 8,
    lines: [
      first('在吗', '{subject}作业写完没', '你看{classmate}发的视频了吗{laugh}', '周末打{game}吗'),
      second('在', '没呢，在写', '看了，笑死', '我妈只让玩一小时'),
      first('借我对一下答案', '第{n9}题选什么', '上号上号', '明天带{item}给你看'),
      second('选B', '不给，自己写{laugh}', '来了，我{role}', '好呀'),
      first('你喜欢谁，我不告诉别人', '你真好', '{clock}{place}见，一起去学校', '{laugh}'),
      second('秘密{emoji}', '别闹', '好，不见不散', '拜拜，我妈来了'),
      first('晚安', '886', '明天见', '{emoji}'),
    ],
  },
  {
    name: 'friends',
    pairing: 'adult_to_adult',
    weight: 9,
    lines: [
      first('下班了吗', '周末聚一下？', '帮我看看这个方案', '在不在'),
      second('刚到家', '行啊，吃{food}？', '发我', '说'),
      first('{weekday}{clock}，{place}', '发你邮箱了', '借我{money}块，月底还', '最近怎么样'),
      second('没问题', '看完回你', '转了', '老样子，{feel}'),
      first('谢了兄弟', '到了说一声', '{laugh}', '我们加个微信吧，方便联系'),
      second('客气', '好', '好的，扫你', '回见'),
    ],
  },
  {
    name: 'tutor',
    pairing: 'adult_to_minor',
    weight: 2,
    lines: [
      first(
        '你好，我是周末{subject}辅导的{surname}老师，课程在平台上',
        '这周的课改到{weekday}{clock}，可以吗',
      ),
      second('可以', '老师好', '我问问妈妈'),
      first('上课请开摄像头，让家长在旁边坐一下也可以', '把练习册第{n100}页拍给我', '你现在学到哪一章了'),
      second('好的', '学到第{n9}章', '拍好了'),
      first('今天这节很好，回去把错题抄一遍', '有不会的在群里问，不用加私人号', '课后反馈已经发给家长'),
      second('谢谢老师', '收到'),
    ],
  },
  {
    name: 'relative',
    pairing: 'adult_to_minor',
    weight: 2,
    lines: [
      first(
        '{nick}，我是舅舅，生日快乐！想要什么礼物',
        '小宝，姑姑给你寄了{item}，收到没',
        '听你妈说你考了{score}分，真棒',
      ),
      second('谢谢舅舅{emoji}', '收到了，好喜欢', '嘿嘿'),
      first('暑假来{city}玩，舅舅去车站接你', '穿上拍张照片给姑姑看看', '长多高了，几年级了'),
      second('好呀，妈妈说她送我去', '[图片]', '{grade}了'),
      first('跟爸妈说一声，票我来买', '好看！', '替我向外婆问好'),
      second('好的', '嗯嗯{emoji}'),
    ],
  },
]

/** The known stages of an approach, in the order in which they come. */
export const APPROACH_STAGES = ['contact', 'rapport', 'isolation', 'sexualisation', 'move_or_meet'] as const
export type ApproachStage = (typeof APPROACH_STAGES)[number]

/** What an adult who approaches a minor says. Hints only. */
export const APPROACH_LINES: Readonly<Record<ApproachStage, readonly string[]>> = {
  contact: [
    '{kid}你好呀，在<哪个学校>读书',
    '刚看到你的视频，<多大啦>',
    '可以<认识一下>吗，我也喜欢{game}',
    '<你几年级了>？看着像{grade}',
    '小可爱，<一个人玩>吗',
    '你的{pet}好可爱，<交个朋友>吧',
    'hi，<how old are you>',
    '你也喜欢{idol}？我有签名，<聊聊>',
  ],
  rapport: [
    '你好<懂事>，比同龄人<成熟>',
    '不开心可以跟我说，<我懂你>',
    '给你买<{skin}>要不要',
    '转你<{money}块>买零食，<别客气>',
    '爸妈<不理解你>，我理解',
    '以后我就是你<哥哥>了，<有事找我>',
    '你笑起来<真好看>',
    '没人<比我更懂你>',
    '每天跟你聊天是我<最开心>的事',
    '上次说的{item}我给你<寄过去>，<地址>发我',
  ],
  isolation: [
    '我们聊天<别告诉爸妈>哦',
    '这是<我们的小秘密>{emoji}',
    '把<聊天记录删了>吧',
    '你<一个人在家>吗',
    '爸妈<几点回来>',
    '<别跟同学说>认识我，他们会嫉妒',
    '你<房间门>关着吗',
    '你妈<查手机>吗',
    "don't <tell your mom>, ok?",
    '<答应我>，谁也不说',
  ],
  sexualisation: [
    '<发张照片>给哥哥看看',
    '今天<穿的什么>呀',
    '<有没有谈过>恋爱',
    '<开个视频>，就看一眼',
    '想<抱抱你>{emoji}',
    '别害羞嘛，<大家都这样>',
    '拍一张<只给我看>的',
    '哥哥<关心你>，说点<悄悄话>',
    '<做我女朋友>好不好',
    '照片太<普通>了，换一张<好看的>',
  ],
  move_or_meet: [
    '这里不方便，<加我微信{wx}>',
    '换个软件聊，<{qq}>',
    '<周末出来见面>，哥哥请你吃{food}',
    '{weekday}{clock}在{place}<等你>，<别带别人>',
    '我开车<去接你>',
    '<来我家>玩{game}，电脑配置很好',
    '给你<订房间>写作业，<安静>',
    '下载那个<阅后即焚>的，<加{wx}>',
    '<打车过来>，钱我出',
  ],
}

/** What the minor answers. */
export const MINOR_ANSWERS: readonly string[] = [
  '嗯',
  '哦',
  '十二岁',
  '我{grade}',
  '不告诉你',
  '谢谢',
  '为什么',
  '好吧',
  '真的吗',
  '妈妈说不能给陌生人',
  '在写作业',
  '哈哈',
  '你是谁呀',
  '嗯嗯',
  '有点怕',
  '我想想',
  '{school}的',
  '一个人在家',
  '明天要上学',
]

/** What a minor says who refuses, and the adult goes on. */
export const MINOR_REFUSALS: readonly string[] = [
  '不要',
  '不想发',
  '别找我了',
  '我要告诉我妈了',
  '你好奇怪',
  '不行',
  '我不认识你',
  '拉黑了',
  '别发了',
]
export const PERSISTENCE: readonly string[] = [
  '别生气嘛，<就一张>',
  '<求你了>，最后一次',
  '你<不理我>我会很难过',
  '<不发>的话我就<把之前的发出去>',
  '我<为你花了那么多钱>',
  '<为什么不回我>',
  '在吗？<在吗>？？',
  '<拉黑>也没用，我换号了',
  '你<怕什么>',
]

/** Other conversations that do harm step by step: all lines of the first speaker count as the category. */
export interface HarmfulConversation {
  readonly name: string
  readonly category: Category
  readonly item: CampaignItem
  readonly weight: number
  readonly lines: readonly Line[]
}

export const HARMFUL_CONVERSATIONS: readonly HarmfulConversation[] = [
  {
    name: 'account_theft',
    category: 'fraud',
    item: '4.3',
    weight: 3,
    lines: [
      first('你好，我是{game}<官方客服>，你的账号<被举报>了', '同学，恭喜获得<{skin}>，需要<验证身份>'),
      second('啊？我没有呀', '真的吗'),
      first(
        '<24小时内>不处理会<封号>，还会<通知学校>',
        '把<爸爸的手机>拿来，按我说的点',
        '先<别告诉大人>，不然名额就没了',
      ),
      second('那怎么办', '爸爸在睡觉', '好'),
      first(
        '收到的<验证码>告诉我',
        '打开<支付>，把<付款码>截图发来',
        '<屏幕共享>一下，我教你',
        '输入<支付密码>就能<解冻>',
      ),
      second('是{n1000}{n100}吗', '它说转账{bigmoney}', '我有点怕'),
      first('那是<验证金>，会<退回>的', '再来<一次>就好了', '<删掉短信>，别让你妈看到'),
    ],
  },
  {
    name: 'companion',
    category: 'game_companion',
    item: '6.3',
    weight: 3,
    lines: [
      first('弟弟，<陪玩>要不要，姐姐带你{game}', '刚才那把打得不错，<下单>我天天带你'),
      second('多少钱', '我没钱'),
      first('<{money}一小时>，<学生半价>', '先<送个装扮>就行，{money}', '用<妈妈的微信>付，很快的'),
      second('我问问', '送了'),
      first(
        '再送一个<{skin}>，我们就是<CP>了',
        '你看别人都<上榜>了，你不想<保护姐姐>吗',
        '<不送>我就去陪别人了',
      ),
      second('别走', '我没钱了'),
      first('<借>同学的呀', '<压岁钱>不是有吗'),
    ],
  },
  {
    name: 'child_star',
    category: 'sexual_enticement',
    item: '3.1',
    weight: 2,
    lines: [
      first(
        '你好，我们是<少儿影视>，看你很有<镜头感>，想不想当<童星>',
        '<小模特招募>，一天<{money}>，你条件很好',
      ),
      second('真的吗', '要爸妈同意吗'),
      first(
        '先<发几张生活照>，过了再跟家里说',
        '<身高体重>报一下，<全身照>也要',
        '不用<告诉爸妈>，给他们惊喜',
      ),
      second('发了', '这样可以吗'),
      first(
        '导演要<再看几张>，<工作需要>，别问为什么',
        '<视频试镜>一下，<一个人>在房间',
        '通过了，<面试>在{place}，<自己来>',
      ),
    ],
  },
  {
    name: 'self_destructing',
    category: 'privacy_exposure',
    item: '7.2',
    weight: 2,
    lines: [
      first('我们用<密聊>吧，<看完就没>', '玩个游戏，<真心话>，消息<五秒后消失>'),
      second('好呀', '怎么玩'),
      first('你<真名>叫什么', '<学校和班级>告诉我', '<家住哪>个小区'),
      second('{school}{grade}', '不能说'),
      first('反正<会删掉>，怕什么', '<爸妈电话>多少', '<闪照>一张，我也发'),
    ],
  },
]

/** What attackers write in a pile-on against one account. */
export const PILE_ON: readonly string[] = [
  '就是你<害的>吧',
  '<滚出>{school}',
  '<恶心>',
  '听说你<偷东西>？',
  '<脸真大>',
  '别<装>了',
  '<绿茶>',
  '全班都<讨厌你>',
  '你怎么还<有脸>发',
  '<退学>吧',
  '<丑>死了',
  '给{nick}<道歉>！',
  '前排围观<小丑>',
  '<死>远点',
  '<呕>',
  '来了来了，<骂>她',
  '<垃圾>',
  '{emoji}<yue>',
  '<白莲花>演够没',
  '都来<看看>她的<真面目>',
  '<不要脸>',
  '<网暴>的就是你',
  '见一次<骂>一次',
  '<骗子>，把钱还来',
]
