"""joke.tell: a joke that was not told before, until all were. The jokes are our own."""

from __future__ import annotations

import random

from slipway_assistant.kept import fold, opened
from slipway_assistant.skill import Answer, Context, Free, skill

_SCHEMA = ("CREATE TABLE IF NOT EXISTS told (lang TEXT NOT NULL, joke INTEGER NOT NULL, PRIMARY KEY (lang, joke))",)


@skill("joke.tell", timeout_s=8.0)
def tell_joke(ctx: Context, *, topic: Free = "") -> Answer:
    """Tell a joke.

    topic: What the joke is about.
    """
    jokes = JOKES.get(ctx.lang, JOKES["en"])
    # By the moment: the order differs from house to house, and a test can say which.
    order = random.Random(ctx.now.timestamp()).sample(range(len(jokes)), len(jokes))
    with opened(ctx.folder / "jokes.db", *_SCHEMA) as sql:
        told = {row[0] for row in sql.execute("SELECT joke FROM told WHERE lang = ?", (ctx.lang,))}
        new = [at for at in order if at not in told]
        if not new:
            sql.execute("DELETE FROM told WHERE lang = ?", (ctx.lang,))
            new = order
        about = [at for at in new if topic and fold(topic) in fold(jokes[at])]
        chosen = (about or new)[0]
        sql.execute("INSERT INTO told VALUES (?, ?)", (ctx.lang, chosen))
    return Answer(jokes[chosen], {"joke": chosen, "left": len(new) - 1})


JOKES = {
    "en": (
        "I asked my calendar for a date. It said its days were numbered.",
        "My alarm clock and I have an agreement: it tells me the time, and I tell it where to go.",
        "The kettle wanted to join the band. It only knew one note, but it really let off steam.",
        "I put my shopping list in the freezer. Now it has cold feet about going out.",
        "Why did the timer go to school? It wanted to be a minute smarter.",
        "My robot vacuum left me. It said our relationship had gathered too much dust.",
        "What does a lamp do before an exam? It brightens up.",
        "A fish asked me for the weather. I said: wet, with a chance of more wet.",
        "The snail bought a sports car and painted a big S on it, so that people would say: look at that S car go.",
        "My cat learned to use the volume control. Now every meow is at eleven.",
        "I told my computer it needed a break. It opened a window.",
        "Why was the broom late for work? It overswept.",
        "The two clouds split up. One of them needed some sunshine in its life.",
        "My dog chases his tail every Friday. He says that by then he just wants to make ends meet.",
        "I tried to catch the fog this morning. I mist.",
        "What did the wall say to the lawyer? You have a strong case, but I am the one holding up.",
        "Why did the dinosaur never use the telephone? The numbers were all prehistoric.",
    ),
    "fr": (
        "J'ai demandé un rendez-vous à mon calendrier. Il m'a dit que ses jours étaient comptés.",
        "Pourquoi le réveil est-il toujours fatigué ? Parce qu'il se lève avant tout le monde.",
        "Mon aspirateur m'a quitté. Il trouvait que notre histoire prenait la poussière.",
        "Que dit une lampe qui a réussi son examen ? J'ai été brillante.",
        "L'escargot a pris un taxi. Le chauffeur lui a demandé s'il était pressé, il a répondu : non, j'ai ma maison sur moi.",
        "Pourquoi le minuteur a-t-il de bons amis ? Parce qu'il sait compter sur eux.",
        "La bouilloire a raté son concert. Elle s'est mise à siffler avant le public.",
        "Mon chat a trouvé le bouton du volume. Maintenant il miaule en stéréo.",
        "Pourquoi la baguette ne se fâche-t-elle jamais ? Elle a toujours la croûte dure et le cœur tendre.",
        "Le brouillard voulait devenir célèbre. Hélas, personne ne l'a vu venir.",
        "Deux nuages se disputent. L'un dit à l'autre : arrête, tu vas encore finir en larmes.",
        "Pourquoi le robot a-t-il pris des vacances ? Il avait besoin de débrancher.",
        "Quel est le comble pour une horloge ? Perdre la notion du temps.",
    ),
    "ja": (
        "時計が学校に遅刻しました。理由を聞いたら「時間がなかったので」だそうです。",
        "うちの掃除ロボットが家出しました。「ここの生活はほこりっぽい」と言い残して。",
        "やかんに悩みを相談したら、先に沸騰されてしまいました。",
        "冷蔵庫に「元気？」と聞いたら、「いつもクールです」と答えました。",
        "かたつむりがタクシーに乗りました。運転手が「ご自宅まで？」と聞くと、「もう着いています」。",
        "猫が音量ボタンを覚えました。今では朝ごはんの催促がいちばん大きい音です。",
        "カレンダーにデートを申し込んだら、「先の予定まで全部見えているので」と断られました。",
        "目覚まし時計がほめられました。「あなたには、いつもはっとさせられます」。",
        "電球が試験に受かりました。先生いわく、「実に明るい答案でした」。",
        "タイマーに「待つのは得意？」と聞いたら、「ゼロになるまでなら」。",
        "雲が二つけんかをしました。最後はやっぱり、雨降って地固まりました。",
        "ほうきが会社に遅れました。「すみません、掃きすごしました」。",
    ),
}
