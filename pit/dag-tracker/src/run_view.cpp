// SPDX-License-Identifier: Apache-2.0
#include "run_view.hpp"

#include "draw.hpp"
#include "json_text.hpp"
#include "markup.hpp"
#include "page.hpp"
#include "timeline.hpp"

#include <algorithm>
#include <cmath>

namespace symphony::tracker {
namespace {

constexpr std::size_t stints_max = 20'000;
constexpr std::size_t nodes_drawn_max = 400;
constexpr std::size_t problem_max = 300;  // bytes of its message

constexpr std::string_view style =
    "<style>.bar-of-time{position:sticky;top:0;z-index:1;display:flex;gap:10px;align-items:center;padding:12px 0;background:var(--paper);border-bottom:1px solid var(--line)}"
    ".bar-of-time input{flex:1;accent-color:var(--accent);min-width:120px}button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:5px 13px;cursor:pointer}"
    "output{min-width:210px;font-variant-numeric:tabular-nums;text-align:right}.moment{display:grid;grid-template-columns:1fr 1fr;gap:0 40px}.moment ul{list-style:none;margin:6px 0;padding:0;min-height:120px}"
    ".moment li{padding:3px 0;overflow-wrap:anywhere}.moment small{color:var(--soft)}#graph{overflow:auto;max-height:620px;border:1px solid var(--line);border-radius:10px;margin-top:16px}"
    "@media (max-width:760px){.moment{grid-template-columns:1fr}}</style>\n";

/// Of the workflow's picture, whose own style is closed in with it.
constexpr std::string_view graph_style =
    "<style>svg{display:block}g[data-node]{opacity:.35;transition:opacity .15s}@media (prefers-reduced-motion:reduce){g[data-node]{transition:none}}g[data-state]{opacity:1}g[data-state] .box{stroke-width:3}g[data-state=running] .box{stroke:#2f74bd;stroke-dasharray:6 3}"
    "g[data-state=done] .box{stroke:#2f9160}g[data-state=failed] .box{stroke:#c4373d;stroke-width:4}g[data-state=skipped] .box{stroke:#7d8896;stroke-dasharray:2 3}"
    "g[data-state=cancelled] .box,g[data-state=interrupted] .box{stroke:#b5760d;stroke-dasharray:4 4}</style>";

constexpr std::string_view script = R"(<script>
'use strict';
const run = JSON.parse(document.getElementById('run').textContent);
const [slider, told, underWay, happened, graphPlace] = ['slider', 'told', 'under-way', 'happened', 'graph'].map(id => document.getElementById(id));
const template = document.getElementById('drawn');
const graph = template && graphPlace ? graphPlace.attachShadow({mode: 'open'}) : null;
if (graph) graph.append(template.content);
const groups = new Map(graph ? [...graph.querySelectorAll('g[data-node]')].map(g => [g.dataset.node, g]) : []);
const stints = run.stints.map(([step, part, state, from, to, answered, problem, elements, cached]) => ({name: run.names[step], part, state: run.states[state], from, to, answered, problem, elements, cached}));
/* A begin and an end of each; at one moment ends come first, because they let begin. */
const events = stints.flatMap((s, i) => [{at: s.from, begins: true, i}, {at: s.to, begins: false, i}]).sort((a, b) => a.at - b.at || a.begins - b.begins || a.i - b.i);
const picture = document.querySelector('figure svg');
const mark = document.createElementNS(picture.namespaceURI, 'path');
mark.setAttribute('class', 'path');
mark.setAttribute('stroke-dasharray', '4 3');
picture.append(mark);
const span = us => us < 1000 ? us + ' µs' : us < 1e6 ? (us / 1e3).toFixed(1) + ' ms' : us < 6e7 ? (us / 1e6).toFixed(2) + ' s' : Math.floor(us / 6e7) + ' min ' + Math.floor(us / 1e6 % 60) + ' s';
function place(us) {
    let at = run.scale[0];
    for (const segment of run.scale) if (segment[0] <= us) at = segment;
    const share = at[1] > at[0] ? Math.min(1, Math.max(0, (us - at[0]) / (at[1] - at[0]))) : 0;
    return at[2] + (at[3] - at[2]) * share;
}
function sign(state) {
    const svg = document.createElementNS(picture.namespaceURI, 'svg');
    svg.setAttribute('class', 'sign');
    svg.setAttribute('viewBox', '0 0 14 14');
    const use = document.createElementNS(picture.namespaceURI, 'use');
    use.setAttribute('href', '#sign-' + state);
    svg.append(use);
    return svg;
}
function item(state, text, more) {
    const li = document.createElement('li'), small = document.createElement('small');
    small.textContent = more;
    li.append(sign(state), ' ' + text + ' ', small);
    return li;
}
function show(count) {
    const now = count === 0 ? 0 : events[count - 1].at;
    const states = new Map(), open = new Set();
    let done = 0;
    for (const event of events.slice(0, count)) {
        const stint = stints[event.i];
        states.set(stint.name, event.begins ? 'running' : stint.state);
        if (event.begins) open.add(event.i);
        else open.delete(event.i), done += stint.state === 'done';
    }
    for (const [name, group] of groups) {
        const state = states.get(name);
        if (state) group.dataset.state = state;
        else delete group.dataset.state;
    }
    slider.value = count;
    slider.setAttribute('aria-valuetext', span(now) + ', ' + done + ' steps done, ' + open.size + ' under way');
    told.textContent = span(now) + ' · ' + done + ' done · ' + count + '/' + events.length;
    const shown = 10, running = [...open].map(i => stints[i]);
    underWay.replaceChildren(...running.slice(0, shown).map(s => item('running', s.name, 'for ' + span(now - s.from) + (s.answered.length ? ', ' + Math.round(s.answered.filter(us => us <= now).length * s.elements / s.answered.length) + ' elements' : ''))));
    if (running.length > shown) underWay.append('and ' + (running.length - shown) + ' more');
    happened.replaceChildren(...events.slice(Math.max(0, count - shown), count).reverse().map(event => {
        const s = stints[event.i];
        return event.begins ? item('running', s.name, 'began at ' + span(event.at)) : item(s.state, s.name, s.state + ' at ' + span(event.at) + ' after ' + span(s.to - s.from) + (s.cached ? ', ' + s.cached : '') + (s.problem ? ': ' + s.problem : ''));
    }));
    mark.setAttribute('d', 'M' + place(now) + ',20 V' + (picture.viewBox.baseVal.height - 60));
}
let timer = 0;
function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => Number(slider.value) < events.length ? show(Number(slider.value) + 1) : play(false), Math.max(20, Math.min(400, 12000 / events.length))) : 0;
    document.getElementById('play').textContent = on ? 'Pause' : 'Play';
}
slider.max = events.length;
slider.addEventListener('input', () => (play(false), show(Number(slider.value))));
document.getElementById('back').addEventListener('click', () => (play(false), show(Math.max(0, Number(slider.value) - 1))));
document.getElementById('on').addEventListener('click', () => (play(false), show(Math.min(events.length, Number(slider.value) + 1))));
document.getElementById('play').addEventListener('click', () => {
    if (!timer && Number(slider.value) === events.length) show(0);
    play(!timer);
});
show(Math.min(events.length, Math.ceil(events.length / 2)));
</script>
)";

/// JSON that cannot end the element it stands in.
std::string inside_script(std::string json) {
    std::string out;
    for (const char c : json) {
        if (c == '<') out += "\\u003c";
        else if (c == '>') out += "\\u003e";
        else if (c == '&') out += "\\u0026";
        else out += c;
    }
    return out;
}

std::int64_t us(std::int64_t ns) noexcept { return ns / 1000; }

std::string data_of(const Story& story, const std::vector<std::uint32_t>& shown) {
    ValueBuilder out;
    out.map(4).key("states").list(stint_states);
    for (std::size_t i = 0; i < stint_states; ++i) out.text(name_of(static_cast<StintState>(i)));
    out.end().key("names").list(story.steps.size());
    for (const auto& step : story.steps) out.text(one_line(step.name));
    out.end().key("scale").list(4);
    const TimeScale scale = timeline_scale(story);
    for (const auto& segment : scale.segments()) {
        out.list(4).integer(us(segment.start_ns)).integer(us(segment.end_ns)).number(std::round(segment.from * 10) / 10).number(std::round(segment.to * 10) / 10).end();
    }
    out.end().key("stints").list(shown.size());
    constexpr std::size_t answers_max = 200;  // of one stint; more are thinned out
    for (const auto index : shown) {
        const Stint& stint = story.stints[index];
        out.list(9).unsigned_integer(stint.step).unsigned_integer(stint.part).unsigned_integer(static_cast<std::uint64_t>(stint.state)).integer(us(stint.start_ns)).integer(us(stint.end_ns));
        const std::size_t elements = stint.answered_ms.size(), told = std::min(elements, answers_max);
        out.list(told);
        for (std::size_t i = 0; i < told; ++i) out.unsigned_integer(std::uint64_t{stint.answered_ms[i * elements / told]} * 1000);
        out.end();
        const std::string problem = stint.problems.empty() ? std::string() : one_line(stint.problems.front().error.message().substr(0, problem_max));
        out.text(problem).unsigned_integer(elements).text(recalled_text(stint.recalled, stint.calls)).end();
    }
    return inside_script(json_of(out.end().end().build().view(), false).value_or("{}"));
}

} // namespace

std::string run_view(const Story& story, const Workflow* workflow) {
    std::vector<std::uint32_t> shown(std::min(stints_max, story.stints.size()));
    for (std::uint32_t i = 0; i < shown.size(); ++i) shown[i] = i;
    std::string out = page_begin("View of " + story.name + ", run " + story.run.id) + std::string(style) + page_head(story);
    out += "<div class=\"bar-of-time\"><button id=\"back\" type=\"button\">Back</button><button id=\"play\" type=\"button\">Play</button><button id=\"on\" type=\"button\">On</button>"
           "<input id=\"slider\" type=\"range\" min=\"0\" max=\"0\" value=\"0\" aria-label=\"Event\"><output id=\"told\" for=\"slider\"></output></div>\n<noscript><p>Going through the run needs scripts; "
           "the timeline below does not.</p></noscript>\n";
    if (shown.size() < story.stints.size()) out += "<p>Only the first " + count_text(shown.size()) + " entries of " + count_text(story.stints.size()) + " can be gone through.</p>\n";
    if (workflow != nullptr && workflow->nodes.size() <= nodes_drawn_max) {
        out += "<template id=\"drawn\">" + std::string(graph_style) + tracker::draw(*workflow) + "</template><div id=\"graph\" tabindex=\"0\" aria-label=\"The workflow\"></div>\n";
    }
    out += "<div class=\"moment\"><section><h2>Under way</h2><ul id=\"under-way\"></ul></section><section><h2>What happened</h2><ul id=\"happened\"></ul></section></div>\n";
    out += "<h2>Timeline</h2><figure tabindex=\"0\" aria-label=\"Timeline\">" + timeline_figure(story, arrange(story)) + "</figure>\n";
    out += "<script type=\"application/json\" id=\"run\">" + data_of(story, shown) + "</script>\n" + std::string(script);
    return out + page_end();
}

} // namespace symphony::tracker
