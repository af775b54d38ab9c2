// The table sorts and filters; a row opens its samples, which are inflated when they are asked for.
(() => {
  const $ = (id) => document.getElementById(id);
  const table = $("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const samples = JSON.parse($("index").textContent);
  const link = (row) => row.querySelector("a");
  const name = (row) => link(row).textContent;
  const shown = () => [...body.rows].filter((row) => !row.hidden);
  for (const row of rows) row.said = row.textContent.toLowerCase();

  // Sorting: a header's first click sorts the way that is most asked for, its second the other.
  function value(row, at, kind) {
    const said = row.cells[at].dataset.v;
    return kind === "number" ? (said === "" ? NaN : Number(said)) : said.toLowerCase();
  }

  function order(a, b) {
    if (Number.isNaN(a) || a === "") return Number.isNaN(b) || b === "" ? 0 : Infinity;
    if (Number.isNaN(b) || b === "") return -Infinity;
    return a < b ? -1 : a > b ? 1 : 0;
  }

  function sort(head, way) {
    const sign = way === "descending" ? -1 : 1;
    const keyed = rows.map((row, at) => [value(row, head.cellIndex, head.dataset.kind), at, row]);
    keyed.sort((a, b) => {
      const found = order(a[0], b[0]);
      // What has no value stays at the end either way.
      return (Number.isFinite(found) ? sign * found : found) || a[1] - b[1];
    });
    body.append(...keyed.map((one) => one[2]));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way);
  }

  for (const head of table.tHead.rows[0].cells) {
    head.querySelector("button").addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const other = now === "ascending" ? "descending" : "ascending";
      sort(head, now ? other : head.dataset.first);
    });
  }

  // Filtering: by what is typed, by mark, by class of failure, all at once.
  const wanted = { text: "", mark: "", class: "" };

  function filter() {
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits = words.every((word) => row.said.includes(word)) &&
        (!wanted.mark || row.dataset.mark === wanted.mark) &&
        (!wanted.class || row.dataset.classes.split("|").includes(wanted.class));
      row.hidden = !fits;
      count += fits;
    }
    $("count").textContent = count < rows.length ? `${count} of ${rows.length}` : "";
    $("nothing").hidden = count > 0;
    for (const button of document.querySelectorAll("[data-mark][aria-pressed]"))
      button.setAttribute("aria-pressed", button.dataset.mark === wanted.mark);
    for (const button of document.querySelectorAll(".failures [data-class]"))
      button.setAttribute("aria-pressed", button.dataset.class === wanted.class);
    if ($("class")) $("class").value = wanted.class;
    $("search").value = wanted.text;
  }

  const want = (key, what) => { wanted[key] = what; filter(); };
  $("search").addEventListener("input", (event) => want("text", event.target.value));
  $("class")?.addEventListener("change", (event) => want("class", event.target.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button");
    if (button?.matches("[data-mark]")) want("mark", button.dataset.mark);
    if (button?.matches("[data-class]"))
      want("class", wanted.class === button.dataset.class ? "" : button.dataset.class);
  });
  body.addEventListener("click", (event) => {
    if (!event.target.closest("a") && !getSelection().toString())
      link(event.target.closest("tr")).click();
  });

  // The sheet: where it is follows the address, so that back, reload and links work.
  const sheet = $("sheet");
  const here = { row: null, at: 0, tab: 0, address: "" };
  let opened = 0;

  async function inflate(id) {
    const bytes = Uint8Array.from(atob($(id).textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Response(stream).text();
  }

  function place() {
    let said = location.hash.slice(1);
    try { said = decodeURIComponent(said); } catch { /* as it stands */ }
    const row = rows.find((one) => name(one) === said);
    if (row) return [row, 0];
    const cut = said.lastIndexOf("/");
    return [rows.find((one) => name(one) === said.slice(0, cut)), Number(said.slice(cut + 1)) - 1];
  }

  function go(row, at) {
    location.replace(link(row).getAttribute("href") + (at ? `/${at + 1}` : ""));
    // At once, not when the browser tells of it: keys pressed quickly count from here.
    follow();
  }

  async function follow() {
    if (location.hash === here.address) return;
    here.address = location.hash;
    const [row, at] = place();
    if (!row) return close();
    const mine = samples[row.dataset.row];
    const sample = mine[at] ?? mine[0];
    const turn = ++opened;
    Object.assign(here, { row, at: Math.max(0, mine.indexOf(sample)) });
    const html = sample ? await inflate(sample.payload) : "";
    if (turn !== opened) return;
    $("sheet-title").textContent = name(row);
    $("sheet-mark").className = sample?.mark ?? "uncounted";
    $("sheet-mark").textContent = sample?.words ?? "No sample yet";
    // Everything in it was escaped when the report was made; scripts in it could not run either.
    $("panels").innerHTML = html;
    draw(mine);
    if (!sheet.open) {
      sheet.showModal();
      $("sheet-title").focus();
    }
    sheet.scrollTop = 0;
  }

  function draw(mine) {
    $("samples").replaceChildren(...(mine.length > 1 ? mine : []).map((one, at) => {
      const button = document.createElement("button");
      const mark = document.createElement("i");
      button.type = "button";
      mark.className = `mark ${one.mark}`;
      button.append(mark, one.label);
      button.title = one.words;
      button.setAttribute("aria-pressed", at === here.at);
      button.addEventListener("click", () => go(here.row, at));
      return button;
    }));
    const panels = [...$("panels").children];
    $("tabs").replaceChildren(...panels.map((panel, at) => {
      const tab = document.createElement("button");
      Object.assign(panel, { id: `panel-${at}` });
      Object.assign(tab, { type: "button", id: `tab-${at}`, textContent: panel.dataset.title });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(at));
      return tab;
    }));
    choose(Math.min(here.tab, panels.length - 1));
  }

  function choose(at, focus) {
    if (at < 0 || at >= $("tabs").children.length) return;
    here.tab = at;
    [...$("tabs").children].forEach((tab, n) => {
      tab.setAttribute("aria-selected", n === at);
      tab.tabIndex = n === at ? 0 : -1;
      $(`panel-${n}`).hidden = n !== at;
    });
    if (focus) $("tabs").children[at].focus();
  }

  function close() {
    opened++;
    here.address = "";
    if (!sheet.open) return;
    sheet.close();
    if (here.row) {
      link(here.row).focus();
      here.row.scrollIntoView({ block: "nearest" });
    }
  }

  // Without a trace in the history, so that one step back leaves the report.
  function leave() {
    history.replaceState(null, "", location.pathname + location.search);
    close();
  }

  function next(way) {
    const all = shown();
    const row = all[all.indexOf(here.row) + way];
    if (row) go(row, 0);
  }

  function another() {
    const mine = samples[here.row.dataset.row];
    if (mine.length > 1) go(here.row, (here.at + 1) % mine.length);
  }

  sheet.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
  sheet.addEventListener("click", (event) => { if (event.target === sheet) leave(); });
  $("close").addEventListener("click", leave);
  $("before").addEventListener("click", () => next(-1));
  $("after").addEventListener("click", () => next(1));
  $("tabs").addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const count = $("tabs").children.length;
    if (way) choose((here.tab + way + count) % count, true);
  });
  addEventListener("hashchange", follow);

  // Keys of the table, and of the sheet when it is open.
  function walk(key) {
    const all = shown();
    const at = all.indexOf(document.activeElement.closest?.("tbody tr"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1,
      PageDown: at + 12, PageUp: at - 12 }[key];
    if (key === "ArrowUp" && at === 0) return $("search").focus();
    const row = all[Math.max(0, Math.min(all.length - 1, to))];
    if (row) {
      link(row).focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    }
  }

  function onTable(event) {
    const typing = event.target === $("search");
    const inside = event.target.closest?.("tbody");
    const keys = ["ArrowDown", "ArrowUp"].concat(inside ? ["Home", "End", "PageDown", "PageUp"] : []);
    if (event.key === "/" && !typing) $("search").focus();
    else if (event.key === "Escape") {
      Object.assign(wanted, { text: "", mark: "", class: "" });
      filter();
      if (typing) $("search").blur();
    } else if (event.key === "Enter" && typing) walk("Home");
    else if (event.target.closest?.("select") || !keys.includes(event.key)) return false;
    else if (!typing && !inside && event.key === "ArrowUp") return false;
    else walk(event.key);
    return true;
  }

  function onSheet(event) {
    if (event.key === "[") next(-1);
    else if (event.key === "]") next(1);
    else if (event.key === "s") another();
    else if (/^[1-9]$/.test(event.key)) choose(event.key - 1);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (sheet.open ? onSheet(event) : onTable(event)) event.preventDefault();
  });

  follow();
})();
