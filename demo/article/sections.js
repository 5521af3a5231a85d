/**
 * Folds the sections of the article: each heading is in sight and says what is below it, and the page is short.
 *
 * @param {string} article HTML, whose sections begin with an `h3` each
 * @returns {string}
 */
export function foldSections(article) {
  const end = article.lastIndexOf('</article>');
  if (end < 0) throw new SyntaxError('the article has no end');
  const [lead, ...sections] = article.slice(0, end).split(/(?=<h3[ >])/);
  const folded = sections.map((section) => {
    const [, heading, rest] = section.match(/^(<h3[ >].*?<\/h3>)(.*)$/s) ?? [];
    if (!heading) throw new SyntaxError(`a section’s heading has no end: ${section.slice(0, 60)}`);
    return `<details class="article-section"><summary>${heading}</summary>${rest}</details>\n`;
  });
  return lead + folded.join('') + article.slice(end);
}
