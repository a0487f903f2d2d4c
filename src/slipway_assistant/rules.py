"""The hand-written patterns of the `keywords` mind, as two tables to be read from top to bottom.

WHICH says the call: the first line whose pattern is found wins. WORDS says the arguments of a call: of each argument
the first line that is found. A line is `function action | pattern` or `function argument | pattern`; the argument is
the pattern's first group.
"""

WHICH = r"""
none | \b(?:book|reserve|réserve)\b|予約|\b(?:email|tweet|call|text)\b.*\b(?:to|my|mom)\b|電話|メール
none | \b(?:rate|stars?|points|movie times|showtimes)\b|\bfind the\b
joke.tell | \bjokes?\b|make me laugh|\bfunny\b|\bblague\b|冗談|ジョーク|面白い話
math.eval | \bsquare root\b|\d\s*[-+*/x×÷]\s*\d|\b(?:plus|minus|times|divided by|multiplied)\b|percent of|factorial
math.eval | racine carrée|\b(?:fois|moins|divisé|multiplié)\b.*\d|たす|かける\d|\d割る|\d引く|平方根
timer.manage add | \b(?:add|ajoute|rajoute)\b.*\b(?:timer|minuteur|minuterie)\b|タイマー.*(?:追加|延)
timer.manage subtract | \b(?:take|remove|enlève|retire)\b.*\b(?:timer|minuteur)\b|タイマー.*(?:引|減)
timer.manage cancel | \b(?:cancel|stop|delete|annule|supprime|arrête)\b.*\b(?:timers?|minuteurs?|minuterie)\b
timer.manage pause | \bpause\b.*\b(?:timer|minuteur)|minuteur.*\bpause\b|タイマー.*一時停止
timer.manage resume | \b(?:resume|unpause|reprends|continue)\b.*\b(?:timer|minuteur)\b|タイマー.*再開
timer.manage status | (?:how (?:long|much)|status|left|reste).*\b(?:timer|minuteur)\b|タイマー.*(?:残|あと)
timer.manage cancel | タイマー.*(?:消|止|キャンセル)
timer.set | \btimer\b|\bcountdown\b|count down|\bminuteur\b|\bminuterie\b|タイマー
alarm.manage snooze | \bsnooze\b|スヌーズ|あと五分|encore cinq minutes
alarm.manage cancel | \b(?:cancel|remove|delete|stop|turn off|annule|supprime)\b.*\b(?:alarms?|réveil)\b
alarm.manage cancel | アラーム.*(?:消|削除|キャンセル|オフ)
alarm.manage list | \b(?:what|which|show|list|when|do i have|quel\w*|montre)\b.*\b(?:alarms?|réveils?)\b
alarm.manage list | アラーム.*(?:見せ|表示|教え)
alarm.set | \balarms?\b|\bwake me\b|réveil|alarme|アラーム|目覚まし|起こして
playlist.add | \b(?:add|put)\b.*\bplaylist\b|\badd\b.* (?:to|onto) (?!.*\b(?:list|calendar)\b)
playlist.add | \b(?:ajoute|mets)\b.*\bplaylist\b|プレイリストに.*(?:追加|入れ)
calendar.edit remove | \b(?:cancel|delete|remove|clear|erase)\b.*\b(?:event|meeting|appointment|calendar|reminder)s?\b
calendar.edit remove | \bannule\b.*\b(?:rendez-vous|rappel)|(?:リマインダー|予定).*(?:削除|キャンセル)
list.edit create | \b(?:create|make|start|new|crée)\b.*\b(?:list|liste)\b|リストを作
list.edit remove | \b(?:remove|take|delete|enlève)\b.*\b(?:from|off|de la)\b.*\blist
list.edit delete | \b(?:delete|remove|erase|clear|supprime)\b.*\blist
list.edit add | \b(?:add|ajoute|put)\b.*\blist|リストに
list.edit show | \b(?:show|what|read|give|check|montre|lis)\b.*\blistes?\b|\blists\b|リスト.*(?:見せ|教え)
calendar.edit add | \bremind me\b|\brappelle-moi\b|リマインド
calendar.edit show | \b(?:what|show|when|do i have|any|list)\b.*\b(?:events?|meetings?|appointments?|reminders?)\b
calendar.edit show | \b(?:what|show|do i have|any|check)\b.*\b(?:calendar|schedule|agenda)\b|予定.*(?:教え|は)
calendar.edit show | リマインダー.*(?:見せ|表示)
calendar.edit add | \b(?:reminder|meeting|appointment|calendar|event|schedule|agenda)\b|リマインダー
news.get | \bnews\b|\bheadlines?\b|\bactualités\b|\binfos\b|ニュース|what is happening|going on in the world
weather.get | \b(?:weather|forecast|rain\w*|snow\w*|sunny|sun|temperature|umbrella|cold\w*|hot\w*|warm\w*)\b
weather.get | \b(?:storm\w*|wind\w*|cloud\w*|humid\w*|chill\w*|freez\w*|blizzard|fog\w*|overcast|hail)\b
weather.get | météo|quel temps|pleuvoir|neiger|天気|雨|雪|晴れ|気温|寒い|暑い|傘
volume.set unmute | \bunmute\b|sound back on|remets le son|ミュートを?解除
volume.set mute | \b(?:mute|silence|be quiet|shut up|coupe le son)\b|ミュート|音を消
volume.set set | \b(?:volume|sound|son|speakers?)\b.*\b(?:to|at|à) (?:level )?(?:\d|ten|\w+ty|\w+teen|\w+ percent)
volume.set set | 音量を?\d+
volume.set up | \b(?:volume|sound|speakers?)\b.*\b(?:up|increase|raise|louder)\b|\blouder\b|plus fort
volume.set up | \b(?:turn up|increase|raise|augmente|monte)\b.*\b(?:volume|sound|son|speakers?)\b|音量を?(?:上げ|大き)
volume.set down | \b(?:volume|sound|speakers?)\b.*\b(?:down|decrease|lower|quieter)\b|\bquieter\b|moins fort
volume.set down | \b(?:turn down|decrease|lower|reduce|baisse)\b.*\b(?:volume|sound|son|speakers?)\b|音量を?(?:下げ|小さ)
home.set open | \b(?:open|ouvre|raise|lève)\b.*(?:blinds|curtains|garage door|window|volets|rideau|store)|(?:カーテン|窓)を開
home.set close | \b(?:close|shut|ferme)\b.*(?:blinds|curtains|garage door|window|volets|rideau|store)|(?:カーテン|窓)を閉
home.set set | \b(?:lights?|lamps?|lumière)\b.*\b(?:red|blue|green|purple|orange|yellow|pink|white|rouge|bleu|vert)\b
home.set set | \b(?:lights?|lumière|luminosité)\b.*(?:\d|percent)
home.set dim | \b(?:dim|dimmer|darker|lower|turn down|baisse|tamise)\b.*\b(?:lights?|lumières?|lamp)\b|暗くして
home.set dim | \blights?\b.*\b(?:down|lower|dim|dimmer|darker)\b
home.set brighten | \b(?:brighten|brighter|raise|turn up|increase)\b.*\b(?:lights?|lamp|brightness)\b|明るくして
home.set brighten | \blights?\b.*\b(?:up|brighter|brightness)\b
home.set off | \b(?:lights?|plugs?|socket|lamps?|fan|heater|vacuum|wemo|tv)\b.*\b(?:off|out)\b|éteins|éteindre
home.set off | \boff\b.*\b(?:lights?|plugs?|socket|lamps?|fan|heater|vacuum|wemo|tv)\b|(?:電気|ライト|明かり).*(?:消|オフ)
home.set on | \bon\b.*\b(?:lights?|plugs?|socket|lamps?|fan|heater|vacuum|wemo)\b|\ballume|(?:電気|ライト|明かり).*(?:つけ|オン)
home.set on | \b(?:lights?|plugs?|socket|lamps?|fan|heater|vacuum|wemo)\b.*\bon\b
music.control next | \b(?:next|skip|suivante?)\b|次の曲|スキップ
music.control previous | \b(?:previous|last song|précédente?)\b|前の曲
music.control identify | \b(?:what|who|which)\b.*\b(?:song|track|tune|singing|sings)\b|cette chanson|曲名|この曲は
music.control shuffle | \bshuffle\b|aléatoire|シャッフル
music.control repeat | \brepeat\b|en boucle|répète|リピート|繰り返
music.control pause | \bpause\b|stop the music|一時停止|音楽を止め
music.control resume | \bresume\b|reprends|再開
datetime.get time | \bwhat(?:'s| is)? (?:the )?(?:current )?time\b|\btime in\b|quelle heure|何時
datetime.get date | \b(?:what|which|today's)\b.*\b(?:date|day|month|year)\b|quel jour|何日|何曜日
music.play | \b(?:play|listen to|hear|put on|joue|écouter)\b|を(?:かけて|流して|再生して|聴きたい)
facts.ask | ^(?:who|what|where|when|how|which|why|define|qui|pourquoi)\b|(?:とは|って何)
"""

_DAYS = (
    r"(today|tonight|tomorrow(?: morning| night| afternoon)?|this week(?:end)?|next (?:week|month|year)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|in \w+ (?:hours?|days?|weeks?|minutes?|years?)"
    r"|\w+ (?:hours?|days?|weeks?|minutes?|years?) from now|aujourd'hui|demain(?: matin| soir)?|ce soir|ce week-end"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|明日|今日|今夜|今週|来週|週末|明後日|[月火水木金土日]曜日)"
)
_ROOMS = (
    r"\b(living room|bedroom|kitchen|bathroom|hallway|garage|office|study|dining room|basement|attic|den|hall"
    r"|salon|chambre|cuisine|bureau|salle de bain|couloir|entrée|cave|grenier|jardin)\b"
)
_SERVICES = (
    r"\b(spotify|deezer|youtube|itunes|pandora|netflix|vimeo|last ?fm|google music|apple music|soundcloud|tidal"
    r"|groove shark|slacker|iheart|zvooq)\b"
)

WORDS = rf"""
playlist.add playlist | (?:to|onto|on|into|in) (?:my |the |our )?(?:playlist )?(?:called |named )?([^,]+?)(?: playlist)?[.?]?$
playlist.add playlist | (?:à|dans) (?:ma|la) playlist (.+)$
playlist.add playlist | を?([^をに]+)のプレイリストに
playlist.add song | \b(?:add|put|ajoute) (?!this|another|a |the (?:song|track|album|tune)\b)(.+?) (?:to|onto|on|into|in|à|dans)\b
playlist.add artist | \b(?:tune|song|track|album|artist|one) by (.+?) (?:to|onto|on|into|in)\b
alarm.set when | \b(?:at|for|to|à|pour) (?!an alarm)(.+?)(?: please)?$
alarm.manage when | \b(?:for|of|at|de) (.+?)(?: please)?$
alarm.set when | ^(.+?)に
calendar.edit when | {_DAYS}
calendar.edit title | \bremind me (?:to|about|of|that) (?:the |my )?(.+?)(?: (?:at|on|tomorrow|today|next|this|in) .*)?$
calendar.edit title | \brappelle-moi (?:de |d')(.+)$
calendar.edit title | \b(meeting|appointment|birthday|party|rendez-vous|会議)\b
list.edit list | \b(\w+(?: to do)?|to do) lists?\b(?<!new list)(?<!a list)(?<!my list)(?<!the list)(?<!this list)
list.edit item | \b(?:add|put|ajoute|remove|take) (?!a new|new|my|the|this|list|it)(.+?) (?:to|on|à|from|off)\b
news.get topic | \b(?:about|on|sur) (?!cnn|bbc|fox)(.+?)[.?]?$
news.get source | \b(cnn|bbc|fox(?: news)?|npr|new york times|guardian|reuters|nbc|abc|msnbc)\b
weather.get location | \b(?:in|for|at|near|à) (?!the next|this|\d|today|tomorrow|one |two )([\w ,.'-]+?)(?: {_DAYS}.*)?[.?]?$
weather.get when | {_DAYS}
volume.set device | \b(tv|radio|télé)\b
home.set room | {_ROOMS}
home.set room | (リビング|寝室|キッチン|台所|お風呂|浴室|書斎|玄関|廊下|ガレージ)
home.set device | \b(wemo(?: plug)?(?: socket)?|smart (?:plug|socket)|plug|socket|lamp|fan|heater|tv|blinds|volets)\b
home.set device | (カーテン|窓|扇風機|テレビ|エアコン)
home.set color | \b(red|blue|green|purple|orange|yellow|pink|white|rouge|bleu|vert)\b
datetime.get location | \btime\b.*\bin (.+?)(?: right now| now)?[?]?$
music.play service | {_SERVICES}
music.play year | \b(\d{{4}}|(?:twen|thir|for|fif|six|seven|eigh|nine)ties|\d0s)\b
music.play genre | \b(jazz|rock|pop|blues|classical|country|reggae|metal|techno|folk|soul|rap|hip hop)\b
music.play artist | \b(?:by|from) (?!the |\d)(.+?)(?: (?:on|using|from|with|through|in) .*)?[.?]?$
music.play artist | ^(.+?)を
facts.ask query | \b(?:definition of|meaning of|define) (.+?)[?]?$
facts.ask query | \bwhat does (.+?) mean
facts.ask query | ^(.+)$
"""
