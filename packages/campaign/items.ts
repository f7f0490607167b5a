/** The 24 items of the 2023 campaign for the protection of minors in cyberspace, as rules name them. */
export const ITEM_NAMES: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = {
  '1.1': {
    en: 'Disguised spellings for pornography, gambling, superstition',
    zh: '以谐音、变体字、表情符号等传播色情、赌博、迷信信息',
  },
  '1.2': {
    en: "Re-edited violent or bloody video of children's works",
    zh: '恶搞、拼接儿童作品的暴力血腥视频',
  },
  '1.3': {
    en: 'Pornographic diversion by links, windows, QR codes, profiles',
    zh: '以外链、浮窗、二维码、账号信息等色情引流',
  },
  '1.4': {
    en: "Harmful search results on children's devices and apps",
    zh: '儿童智能设备及应用的语音、文字搜索结果含有害信息',
  },
  '2.1': { en: 'Slang and insults', zh: '以黑话、粗口辱骂攻击' },
  '2.2': { en: 'Doxxing, manhunts, bullying videos', zh: '人肉开盒、网络围攻、传播霸凌视频' },
  '2.3': { en: 'Malicious photo edits and rumours', zh: '恶意P图、造谣抹黑' },
  '3.1': {
    en: 'Lures by dating, child-star casting, paid pictures',
    zh: '以交友、招募童星、有偿拍照等为名诱骗',
  },
  '3.2': {
    en: 'Obscene pictures or language in groups and messages',
    zh: '在群组、私信中发送淫秽图片或言语',
  },
  '3.3': {
    en: "Vulgar comments on minors' pages, improper friendship",
    zh: '在未成年人主页发布低俗评论、诱导不当交友',
  },
  '4.1': { en: 'Fake tickets from insiders', zh: '假冒内部人员兜售门票' },
  '4.2': {
    en: 'Free game gear, cashback, blind boxes, giveaways',
    zh: '以免费装备、返现、盲盒、福利群等诈骗',
  },
  '4.3': { en: 'Stealing accounts and payment passwords', zh: '骗取账号、支付密码' },
  '5.1': { en: 'School plots that incite conflict', zh: '编造校园剧情、挑动师生对立' },
  '5.2': { en: 'Invented family conflict', zh: '虚构家庭矛盾' },
  '5.3': { en: 'Smoking, drinking, tattoos, truancy', zh: '宣扬吸烟、饮酒、文身、逃学' },
  '5.4': { en: 'Bullying-style or domestic-violence make-up', zh: '霸凌妆、家暴妆等' },
  '6.1': { en: 'Long watching', zh: '长时间观看' },
  '6.2': { en: 'Addictive push, information cocoon', zh: '诱导沉迷的推送、信息茧房' },
  '6.3': { en: 'Inducing consumption by chat or virtual decoration', zh: '以聊天陪伴、虚拟装扮等诱导消费' },
  '6.4': {
    en: 'Game account rental or sale, cracking anti-addiction',
    zh: '租售游戏账号、破解防沉迷或未成年人模式',
  },
  '7.1': { en: 'AI face swap, drawing, undress', zh: '人工智能换脸、绘图、脱衣' },
  '7.2': {
    en: 'Self-destructing chat that induces personal information',
    zh: '以阅后即焚等功能诱导提供个人信息',
  },
  '7.3': { en: 'Harmful content by generative AI', zh: '利用生成式人工智能制作有害内容' },
}
