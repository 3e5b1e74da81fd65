"""How a page's figures are computed, and where the methods come from."""

from __future__ import annotations

from appliance.verdict.report import Report

Method = tuple[str, str]

CASES = """
Both prompts answered the same cases of the test split, which the search never read, in the very
model file that serves.
"""
SHARES = """
Wilson score intervals at 95 % (Wilson, JASA 22, 1927), which take cases as independent.
"""
TOGETHER = """
Here some belong together, so these intervals may be too narrow; that of the figure which the
verdict is by is drawn over whole clusters.
"""
TESTS = {
    "McNemar": """
The exact McNemar test: would a fair coin share the cases that only one prompt gets right as they
are shared (McNemar, Psychometrika 12, 1947)?
""",
    "flip": """
A sign-flip test: how often do the differences, their signs given by a fair coin, add up to as much
(Fisher's randomisation test; Phipson and Smyth, SAGMB 9, 2010)? Where cases belong together, whole
clusters flip.
""",
    "swap": """
A randomisation test: the two results of a case are swapped or not, by a fair coin (Yeh, COLING
2000). How often is the difference as large, and how often over its standard error (Chung and
Romano, Annals of Statistics 41, 2013)? The larger p counts. Where cases belong together, whole
clusters are swapped.
""",
}
LOOKS = """
Every look at a test split, or at one that shares a case with it, halves what p has to stay below,
from 0.05 at the first. So all looks together say "better" wrongly with a chance of at most 0.05
(Bonferroni with unequal shares; Lan and DeMets, Biometrika 70, 1983).
"""
NEWCOMBE = "Newcombe's method 10 for paired proportions (Statistics in Medicine 17, 1998)."
POWER = """
Of the exact McNemar test at this look's threshold, at the share of differing answers that was seen,
or 0.2 (Duffy, Biometrics 40, 1984).
"""
F1 = """
2 TP / (2 TP + FP + FN): micro-F1 of counts summed over cases, macro-F1 the mean over the labels
that occur, token F1 the mean over cases of that of their words.
"""
BOOTSTRAP = """
BCa bootstrap intervals at 95 % (Efron, JASA 82, 1987) over cases or, where cases belong together,
over whole clusters, widened to Student's quantile (Hesterberg, The American Statistician 69, 2015).
"""
FILES = """
Each file of episodes was drawn anew; their spread says how far a figure depends on the draw.
"""
RELIABILITY = """
Probabilities are the softmax of scores over a temperature fitted on selection rows (Guo et al.,
ICML 2017), of yes and no the sigmoid of a line fitted there (Platt, Advances in Large Margin
Classifiers, 1999). The expected calibration error is the mean distance between probability and
share right over ten bins of as many answers each (Naeini, Cooper and Hauskrecht, AAAI 2015). Of few
answers it is above 0 however good they are; what it then is was drawn, each answer being right
with the probability it was given, independently of the others (Bröcker and Smith, Weather and
Forecasting 22, 2007).
Answers below a threshold are withheld (Chow, IEEE Transactions on Information Theory 16, 1970);
error against coverage is drawn as by El-Yaniv and Wiener (JMLR 11, 2010).
"""
LEAKS = """
A private row is found if it is a demonstration, or if five of its words in a row, all of a shorter
text, an entity, an answer or a choice of it stand in the prompt or in the labels. Of scripts
without spaces ten characters count as five words (Chinese, Japanese), or twenty (Thai and its
like). Words of two or three characters are found in their own case alone, and not where it is the
lower one. Answers, choices, and such words without capitals count where no more than three texts
have them, numbers among the answers from six digits on. Case and punctuation else hide nothing;
what is said in other words is not found.
"""


def methods(report: Report) -> list[Method]:
    """Of the figures that the page shows."""
    test = next((text for key, text in TESTS.items() if key in report.test), "")
    tested, paired = not report.stands, report.test == "exact McNemar"
    chosen = [
        ("The cases", CASES, True),
        ("Shares", SHARES + (TOGETHER.lstrip() if report.clusters else ""), True),
        ("The test", test, tested),
        ("Looks at the test split", LOOKS, tested),
        ("The interval of the gain", NEWCOMBE, tested and paired),
        ("Power", POWER, tested and report.power is not None),
        ("F1", F1, report.micro or report.token_f1),
        ("Other intervals", BOOTSTRAP, report.micro or report.token_f1 or not paired),
        ("Sampled files", FILES, report.parts),
        ("Reliability", RELIABILITY, report.reliability),
        ("Leak check", LEAKS, True),
    ]
    return [(name, text.strip()) for name, text, shown in chosen if shown]
