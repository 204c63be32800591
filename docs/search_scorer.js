// A page or a section whose title has the word stands before those that only mention it.
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: {0: 15, 1: 5, 2: -5}, objPrioDefault: 0, // Sphinx's own
  title: 100, partialTitle: 50,
  term: 5, partialTerm: 2,
};
