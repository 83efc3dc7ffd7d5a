"""Words too common to search for, in the languages that documents come in most.

A word that is telling in another of these languages is left out: "war" and "son" are no stopwords here.
"""

from __future__ import annotations

_ENGLISH = """
a about after all also am an and any are as at be because been before being between both but by can could did do
does doing during each for from had has have having he her here hers him his how i if in into is it its itself
just me more most my no nor not of on once only or other our out over own same she should so some such than that
the their them then there these they this those through to too under until up very was we were what when where
which while who whom why will with would you your
"""
_ITALIAN = """
a ad agli al alla alle allo anche che chi ci come con cosa da dagli dai dal dalla dalle dallo dei degli del dell
della delle dello di e ed erano essere gli ha hanno i il in io l la le lei li lo loro lui ma mi nei negli nel
nell nella nelle nello noi non o per perché più quale quali quando quanti quanto quanta quante quel quella
quelle quelli quello questa queste questi questo se si sono su sua sue sugli sui sul sulla sulle sullo suo suoi
tra fra un una uno voi è
"""
_GERMAN = """
aber als am an auch auf aus bei bis bist da dann das dass dem den der des dies diese dieser dieses doch du durch
ein eine einem einen einer eines er es für hatte ich ihr im in ist ja kann kein keine mit nach nicht noch nur ob
oder sich sie sind so um und uns unter vom von vor wann waren warum was wegen welche welcher welches wenn wer
werden wie wir wird wo zu zum zur über
"""
_FRENCH = """
au aux avec ce ces cet cette comme d dans de des du elle elles en est et eu il ils j je l la le les leur leurs
lui mais me mes mon ma n ne nos notre nous on ont ou où par pas pour pourquoi qu quand que quel quelle quelles
quels qui quoi s sa se ses sont sur ta te tes tu un une vos votre vous y été être à
"""
_SPANISH = """
al como con cual cuales cuando cuándo cómo de del desde donde dónde e el ella ellas ellos en entre eran es esa
esas ese eso esos esta estas este esto estos fueron ha han hay la las le les lo los me mi muy más no nos o para
pero por porque qué que quien quién se ser si sobre su sus también te tu un una uno unos y ya él
"""

STOPWORDS = frozenset(" ".join((_ENGLISH, _ITALIAN, _GERMAN, _FRENCH, _SPANISH)).split())
"""Lower-case words of English, Italian, German, French and Spanish."""
