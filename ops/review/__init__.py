"""How a review and the drafts of a report look: an incident's record as a page, as Markdown, and as charts.

Lives here: the parts that a document is made of, the one page and the one way of writing Markdown, the charts with
the sentence that each states, the order in which a reviewer is told, and printing through an installed Chromium.

May not live here: anything that reads the store or the ledger. ``dispatcher.service`` hands over values, and what is
counted here is counted once, so that no two documents of one record differ in a number.
"""
