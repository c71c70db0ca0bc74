"""The words of the newsroom's stories, one module a language. Places, people and facts are invented."""

from service.newsroom.words.ar import ARABIC
from service.newsroom.words.en import ENGLISH
from service.newsroom.words.fr import FRENCH
from service.newsroom.words.ha import HAUSA
from service.newsroom.words.km import KHMER
from service.newsroom.words.pt import PORTUGUESE
from service.newsroom.words.stock import Labels, Stock
from service.newsroom.words.zh import CHINESE

STOCKS = {stock.language: stock for stock in (FRENCH, ENGLISH, ARABIC, CHINESE, HAUSA, KHMER, PORTUGUESE)}
"""By BCP 47 tag."""

__all__ = ["STOCKS", "Labels", "Stock"]
