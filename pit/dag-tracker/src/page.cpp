// SPDX-License-Identifier: Apache-2.0
#include "page.hpp"

#include "markup.hpp"
#include "timeline.hpp"

namespace symphony::tracker {
namespace {

constexpr std::string_view style =
    ":root{color-scheme:light dark;--paper:#ffffff;--ink:#1c2430;--soft:#5b6675;--line:#e3e8ee;--panel:#f6f8fa;--share:#c9d1db;--accent:#2f74bd}"
    "@media (prefers-color-scheme:dark){:root{--paper:#12161c;--ink:#e8edf4;--soft:#9aa6b5;--line:#28303b;--panel:#191f27;--share:#3a4553;--accent:#5ea4ee}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}"
    "main{max-width:1304px;margin:0 auto;padding:28px 32px 64px}h1{font-size:23px;margin:0;font-weight:650;overflow-wrap:anywhere}h2{font-size:16px;margin:36px 0 6px;font-weight:650}"
    "p{margin:4px 0;color:var(--soft)}header{display:flex;gap:16px;align-items:flex-start;justify-content:space-between}"
    ".chip{display:inline-flex;gap:8px;align-items:center;border:1px solid var(--line);background:var(--panel);border-radius:99px;padding:4px 14px 4px 9px;font-weight:600;white-space:nowrap}"
    ".sign{width:14px;height:14px;vertical-align:-2px}dl{display:flex;flex-wrap:wrap;gap:12px 32px;margin:20px 0 8px}dl div{display:flex;flex-direction:column-reverse}"
    "dt{font-size:12px;color:var(--soft)}dd{margin:0;font-size:18px;font-weight:600}figure{margin:12px -32px 0;overflow-x:auto}figure svg{display:block;max-width:none}"
    "table{border-collapse:collapse;width:100%;margin:8px 0;font-size:13px}th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere;font-weight:400}"
    "thead th{color:var(--soft);font-size:12px}tbody th{font-weight:600}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td:not(.n){min-width:70px}"
    ".share{vertical-align:-1px}.share rect{fill:var(--share)}summary{cursor:pointer;color:var(--soft)}section{overflow-x:auto}"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}@media print{details{display:block}}";

std::string figure(std::string_view value, std::string_view what) { return "<div><dt>" + escaped(what) + "</dt><dd>" + escaped(value) + "</dd></div>"; }

} // namespace

std::string page_begin(std::string_view title) {
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>" +
           escaped(title) + "</title>\n<style>" + std::string(style) + "</style>\n</head>\n<body>\n<main>\n";
}

std::string page_head(const Story& story) {
    std::string_view sign = "running";
    switch (story.run.state) {
    case RunState::completed: sign = "done"; break;
    case RunState::failed: sign = "failed"; break;
    case RunState::cancelled: sign = "cancelled"; break;
    case RunState::interrupted: sign = "interrupted"; break;
    case RunState::running:
    case RunState::closing:
    case RunState::waiting:
    case RunState::paused: break;
    }
    std::string out = "<header><div><h1>" + escaped(story.name) + "</h1><p>" +
                      escaped(story.run.workflow + " " + story.run.version + " · run " + story.run.id + " · began " + moment_text(story.run.created_ms) + " · " + story.run.path) +
                      "</p></div><div class=\"chip\"><svg class=\"sign\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><use href=\"#sign-" + std::string(sign) + "\"/></svg>" + std::string(name_of(story.run.state)) +
                      "</div></header>\n<dl>";
    out += figure(span_text(story.busy_ns()), goes_on(story.run.state) ? "until now" : "from begin to end");
    const auto counts = story.counts();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] != 0) out += figure(count_text(counts[i]), (counts[i] == 1 ? "step " : "steps ") + std::string(name_of(static_cast<StintState>(i))));
    }
    std::uint64_t calls = 0, retries = 0, elements = 0, bytes = 0;
    for (const Stint& stint : story.stints) {
        calls += stint.calls;
        retries += stint.attempts > 1 ? stint.attempts - 1 : 0;
        elements += stint.answered_ms.size();
        bytes += stint.output_bytes;
    }
    out += figure(count_text(calls), calls == 1 ? "call" : "calls");
    if (elements > 0) out += figure(count_text(elements), "elements");
    if (retries > 0) out += figure(count_text(retries), retries == 1 ? "retry" : "retries");
    if (bytes > 0) out += figure(count_text(bytes), "bytes given on");
    if (story.run.parts > 1) out += figure(count_text(story.run.parts), "parts");
    if (story.span_ns > story.busy_ns()) out += figure(span_text(story.span_ns - story.busy_ns()), "stood still");
    return out + "</dl>\n";
}

std::string page_end() { return "</main>\n</body>\n</html>\n"; }

} // namespace symphony::tracker
