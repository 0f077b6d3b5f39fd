"use strict";

// What is found: the search text stands in the address behind #, so that a finding can be sent as a link.
(function () {
    const search = document.getElementById("search");
    const found = document.getElementById("found");
    const entries = Array.from(document.querySelectorAll("tr.entry, svg .line, svg .range"));
    const boxes = Array.from(document.querySelectorAll("svg .box"));

    // A box's own text, without that of the boxes in it.
    function ownText(box) {
        return Array.from(box.children, (child) => (child.tagName === "text" ? child.textContent : "")).join(" ");
    }

    function textOf(element) {
        const names = [element.dataset.name, element.dataset.one, element.dataset.two].filter(Boolean).join(" ");
        return `${names} ${element.classList.contains("box") ? ownText(element) : element.textContent}`.toLowerCase();
    }

    // An address is found in whatever holds it.
    function holds(element, address) {
        const { start, end } = element.dataset;
        return start !== undefined && Number(start) <= address && address < Number(end);
    }

    function matcher(words) {
        const text = words.toLowerCase();
        const address = /^(0x[0-9a-f_]+|[0-9]{5,})$/.test(text) ? Number(text.replaceAll("_", "")) : null;
        return (element) => textOf(element).includes(text) || (address !== null && holds(element, address));
    }

    // Whoever a line that was found leads to stays readable, and whatever a found box is in.
    function markNear(lines) {
        const names = new Set(lines.flatMap((line) => [line.dataset.one, line.dataset.two]));
        for (const box of boxes) {
            const inside = box.querySelector(".box.hit") !== null || box.parentElement.closest(".box.hit") !== null;
            box.classList.toggle("near", inside || names.has(box.dataset.name));
        }
        for (const box of boxes) {
            box.classList.toggle("near", box.classList.contains("near") || box.querySelector(".box.near") !== null);
        }
    }

    function look() {
        const words = search.value.trim();
        const matches = matcher(words);
        document.body.classList.toggle("searching", words !== "");
        let count = 0;
        for (const element of [...entries, ...boxes]) {
            const hit = words !== "" && matches(element);
            element.classList.toggle("hit", hit);
            count += hit ? 1 : 0;
        }
        markNear(entries.filter((element) => element.matches("svg .line.hit")));
        found.textContent = words === "" ? "" : `${count} found`;
        history.replaceState(null, "", words === "" ? "#" : `#q=${encodeURIComponent(words)}`);
    }

    function fromAddress() {
        const match = /^#q=(.*)$/.exec(location.hash);
        try {
            search.value = match ? decodeURIComponent(match[1]) : "";
        } catch {
            search.value = match[1]; // no text that was encoded
        }
        look();
    }

    search.addEventListener("input", look);
    window.addEventListener("hashchange", fromAddress);
    document.addEventListener("click", (event) => {
        const named = event.target.closest("[data-name]");
        if (named) {
            search.value = search.value === named.dataset.name ? "" : named.dataset.name;
            look();
        }
    });
    fromAddress();
})();
