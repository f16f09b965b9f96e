// what scrolls can be reached by the keyboard
addEventListener("load", () => {
  for (const one of document.querySelectorAll("table, pre, pre code")) if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
});
