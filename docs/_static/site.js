// The list of pages begins where this page stands in it.
document.addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector(".sidebar-scroll");
  const here = list?.querySelector(".current-page > a");
  if (here) {
    const top = here.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 2;
    list.scrollBy({top, behavior: "instant"});
  }
});
