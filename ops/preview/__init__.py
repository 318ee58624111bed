"""How a preview looks: every text of a message as its platform would lay it out, on one page that needs nothing else.

Lives here: the page, the looks of channels as a table, and the small copies of pictures that stand on the page.

May not live here: anything that counts, renders or reads the store: ``dispatcher.service.previewing`` hands over the
cards. Nobody's logos, fonts or colours: what is imitated is where things stand.
"""
