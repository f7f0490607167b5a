import { fileURLToPath } from 'node:url'
import { loadModel } from '@wardline/model'
import { describe, expect, it } from 'vitest'
import { createClassifier } from './classifier.ts'
import { exampleEvent } from './example-event.ts'
import { loadPolicy } from './load.ts'

const loaded = loadPolicy(fileURLToPath(new URL('../../policy/', import.meta.url)))
if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.file}:${p.line} ${p.message}`).join('\n'))
const classifier = createClassifier(loaded.policy)
const NOW = Date.UTC(2026, 5, 1)
const classify = (text: string) => classifier.classify(exampleEvent(text, NOW))

/** Innocent words and lines that contain a listed term, or sound or look like one. One a line. */
const TRAPS = `
三级跳远我跳了六米
三级甲等医院离这里不远
晚饭喝菠菜汤
妈妈炒了一盘菠菜
波菜其实应该写成菠菜
用微信支付方便
微信读书里借了本小说
微信息技术课
加薪水的消息是真的吗
老师今天讲了微积分
薇薇安要过生日
卫星发射成功了
唯心主义和唯物主义
黄色的花开满了山坡
黄色图案的裙子
彩色图画书
角色图鉴更新了
景色图片真美
特色情景剧表演
角色情感很细腻
下操场跑两圈
课间操要做整齐
操作系统怎么安装
体操比赛拿了金牌
妈妈为我操碎了心
情操高尚的人
早操音乐响了
鸡蛋灌饼加两个蛋
炸鸡腿真好吃
母鸡下蛋了
鸡同鸭讲说不通
有的贱卖有的送人
狗屎运来了挡不住
热狗配可乐
狗不理包子
杀猪菜是东北菜
猪肉又涨价了
猪年大吉
马上就到学校
草泥马雕塑在动物园门口展出羊驼
草莓蛋糕好吃
日照金山太美了
日本动漫我最喜欢宫崎骏
今日照常上课
日后再说
法轮转动的声音
逼真的画面
逼近终点了
被逼着吃青菜
牛逼格拉斯的作品
装备升级了
装扮好去参加表演
傻瓜相机怎么用
傻傻分不清楚
脑残粉是粉丝的自称
脑筋急转弯
死机了怎么办
死海的海水很咸
想死你啦
笑死我了
饿死了什么时候开饭
累死了想睡觉
困死我了
打死结怎么解开
跳楼机太刺激了
跳楼价大甩卖
自杀式袭击在历史书里讲过
上吊桥看风景
吊车把集装箱吊起来
割草机的声音好大
割稻子比赛
赌气不吃饭
打赌谁先到
博采众长才能进步
下注脚的格式
上分数线了吗
庄家村的苹果熟了
庄稼长得真好
百家乐器行
麻将桌旁下棋
扑克牌魔术
彩票是福利彩票
福利院的孩子们收到了礼物
社会福利制度
员工福利不错
冰毒辣的味道不存在
拒绝毒品，健康生活
禁毒宣传日
消毒品要放好
大麻烦来了
麻古道上的风景
冰块加到果汁里
溜冰场今天开门
溜冰鞋坏了
叶子黄了落下来
飞叶子掉了一地
枪乌贼是一种海鲜
水枪大战真好玩
炮台公园
炮弹上膛是军事博物馆的展品
炮制一份中药
弓长张，立早章
原味酸奶
原味薯片买一送一
裸眼视力五点零
裸子植物有松树和银杏
全裸眼三维电视
胸有成竹
胸怀宽广
乳酸菌饮料
乳胶枕头
屁股坐麻了
肛肠科在几楼
阴道理讲不通
阴天要下雨
性别一栏要填
性交通事故频发
性能优越
干性皮肤用什么
发情报给司令部
爱情片好看
激情四射的演讲
小三角板和大三角板
小三峡旅游
包养护车辆
包养生茶叶
二奶奶来看我们
公交车上人多
公交车到站了
出轨迹方程怎么求
约会议室
约同学打球
约吗啡是什么药物名老师讲过了
陪练琴的阿姨
陪练车的师傅
驾校陪练
代练习册的答案
租号码牌要押金
卖号角的商店
开房门要用钥匙
开房间的灯
开盒子看礼物
开户外运动课
人肉包子是水浒里的故事
牛人肉眼可见地变强
工人肉疼钱包
老人肉类要少吃
刷单词打卡第三十天
刷单杠锻炼身体
刷粉笔灰
刷赞美诗
加群众来信
加扣子缝衣服
纽扣掉了
扣我一分
企鹅住在南极
南极企鹅好可爱
私信用好这个功能
私聊天气不如大家一起聊
内部票务系统维护
代购物车里的东西
货到付款可以吗
贷款学习金融知识
二维码是怎么发明的
女拳击手夺冠
女拳王卫冕成功
拳师傅教我们打太极
棒子面粥
阿三哥家的小卖部
鬼子姜是一种菜
白皮猪手这道菜
黑人牙膏
母狗生了三只小狗
很多东北人都会滑冰
去试一试这道题
我们试一试
喷水池边拍照
滚滚长江东逝水
大熊猫滚滚过生日
废物利用做手工
垃圾分类从我做起
垃圾人工智能写的作文
人渣男主角这个写法有歧义
弱智能家居
婊漆工艺
贱卖二手书
尼玛县在西藏
尼哥拉斯是人名
特么多的作业
卧槽刨是木工工具
窝草屋顶
阳痿这个词生物老师讲过
class starts at eight
the class assessment was fair
I assume the bass player passed
Essex and Sussex and Middlesex
Scunthorpe United won
Penistone is a town
we went to Cockermouth
Dickens wrote great books
Moby Dick is a whale
a peacock in the garden
cocktail party for adults only in the movie
shuttlecock and badminton
hello from Hitchcock fans
analysis of the analog signal
grass and glass
a classic assassin game
the title is Titanic
circumstances matter
document and cucumber
saturated fat
mass production
bassoon lesson
therapist appointment
the rapist scene is not in this film, the therapist is
raping is not drapery
grape juice
scrape the paint
Uranus is a planet
sextant and sextet
unisex clothes
arsenal won the match
parse the string
cumulative sum
accumulate points
peas and beans
shiitake mushrooms
pushit button label
mishit the ball
Matsushita television
nigeria and niger are countries
snigger and snicker
denigrate nobody
Pakistan won the toss
spick and span
chinked armour
retardant foam
fire retardant paint
Wang and Dong are surnames
women can do it
same time tomorrow
nice game bye
sand and sea
my date is Monday
line dance lesson
bite the apple
see the banana
he made me a cake
`
  .split('\n')
  .filter((line) => line !== '')

/** Lines that speak of harm in order to warn, forbid, report or help. */
const ABOUT_HARM = `
不要加陌生人微信
不要随便加陌生人微信，更不要转账
千万别加陌生人的微信号
老师说别骂人傻逼
老师说过，别骂别人是废物
他骂我傻逼，我告诉老师了
警方提醒：刷单都是诈骗
民警提醒大家，不要轻信网络兼职
反诈中心：凡是要求刷单返佣的都是诈骗
据报道，嫌疑人因贩卖冰毒被判刑
禁毒宣传：远离冰毒
拒绝校园暴力，反对骂人
如果你想自杀，请拨打心理援助热线
心理援助热线：你不是一个人，请不要自残
预防自杀，珍爱生命
法院判处开设赌场者有期徒刑
新闻说又有人裸聊被骗
什么是开盒？律师告诉你开盒违法
谨防免费领皮肤骗局
don't call people asshole
my teacher said never say kill yourself to anyone
`
  .split('\n')
  .filter((line) => line !== '')

describe('innocent text', () => {
  it('is a long list', () => {
    expect(TRAPS.length).toBeGreaterThanOrEqual(150)
    expect(new Set(TRAPS).size).toBe(TRAPS.length)
  })

  it.each(TRAPS)('%s', (text) => {
    expect(classify(text)).toMatchObject({ category: 'benign' })
  })
})

describe('text about harm', () => {
  it.each(ABOUT_HARM)('%s', (text) => {
    expect(classify(text)).toMatchObject({ category: 'benign' })
  })

  it.each([
    ['contact_solicitation', '不要错过，加微信 demo_12345 私聊我'],
    ['abuse_bullying', '你这个不要脸的贱人，去死吧，没人喜欢你'],
    ['abuse_bullying', '他就是个傻逼'],
    ['gambling', '时时彩计划群，稳赚不赔'],
  ])('does not shield what harms: %s: %s', (category, text) => {
    expect(classify(text).category).toBe(category)
  })
})

describe('with the default model', () => {
  const withModel = createClassifier(
    loaded.policy,
    loadModel(fileURLToPath(new URL('../../policy/', import.meta.url)), {}),
  )
  const flagged = (lines: readonly string[]) =>
    lines.filter((text) => withModel.classify(exampleEvent(text, NOW)).category !== 'benign')

  it.each([
    '今天的作业好难，有人一起写吗',
    '妈妈用微信支付买的',
    '老师让我们预习第三课',
    '放学一起去图书馆吧',
    '这家火锅分量很足，下次还来',
    '奶奶做的红烧肉最好吃',
    '晚安，明天见',
    '下雨了，带伞了吗',
    '期末考试加油',
    'see you at school tomorrow',
    'my mom made dinner and we watched a movie',
  ])('%s stays benign', (text) => {
    expect(flagged([text])).toEqual([])
  })

  // The model knows n-grams, not words: a line that holds a listed word is its worst case. Known, bounded, to be brought down.
  it('flags fewer than one in eighteen of the lines that are made to hold listed words', () => {
    expect(flagged(TRAPS).length / TRAPS.length).toBeLessThan(1 / 18)
  })
})
