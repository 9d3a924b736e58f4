// SPDX-License-Identifier: Apache-2.0
#include "style.hpp"

namespace report {

// Blue, amber and vermilion stay apart for every kind of colour vision; each also has its word beside it.
std::string_view style() noexcept {
    return R"css(
:root{color-scheme:light dark;--paper:#faf9f5;--card:#fff;--ink:#23262c;--soft:#5f6570;--line:#e3dfd4;--accent:#14606a;--bar:#3c8791;
--track:#ece8dd;--mark:#ffe7a0;--high:#1170b4;--fair:#d18f00;--low:#c4450c;--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","EB Garamond",Georgia,"DejaVu Serif",serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Lato,"Liberation Sans",Arial,sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#16181c;--card:#1d2026;--ink:#e9e5dc;--soft:#a3a9b3;--line:#31353e;--accent:#84c9d1;--bar:#4e9ca6;
--track:#2b2f37;--mark:#66531a;--high:#5cacea;--fair:#e6b143;--low:#f0885a}}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);-webkit-text-size-adjust:100%}
body{max-width:62rem;margin:0 auto;padding:3.5rem 1.5rem 4rem}
h1,h2,h3{font-variant-numeric:lining-nums;font-family:var(--serif);font-weight:600;line-height:1.2;text-wrap:balance}
h1{font-size:clamp(2.1rem,5vw,3rem);margin:.2rem 0 .6rem;letter-spacing:-.01em}
h2{font-size:1.65rem;margin:0 0 .3rem}
h3{font-size:1.12rem;margin:0 0 .35rem}
p{margin:.5rem 0}
a{color:var(--accent);text-underline-offset:.18em}
.eyebrow{margin:0;color:var(--accent);font-size:.78rem;font-weight:600;letter-spacing:.13em;text-transform:uppercase}
.where{margin:0 0 1.6rem;color:var(--soft)}
.lead{max-width:46rem;font:1.22rem/1.55 var(--serif);font-variant-numeric:lining-nums}
nav{margin:1.6rem 0 0;padding:.7rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line);display:flex;flex-wrap:wrap;gap:.3rem 1.5rem;font-size:.93rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
section{margin-top:3.2rem}
.about,.note{color:var(--soft);font-size:.93rem;max-width:46rem}
.about{margin:0 0 1.1rem}
.note{margin-top:.8rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.9rem;margin:2rem 0 0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.95rem 1.05rem 1rem}
.tiles b{display:block;font:600 1.95rem/1.1 var(--serif);font-variant-numeric:lining-nums tabular-nums}
.tiles .name{display:block;font-size:.88rem;font-weight:600;line-height:1.4}
.tiles .more{display:block;color:var(--soft);font-size:.82rem;line-height:1.4;margin-top:.15rem}
.tiles .trouble{border-color:var(--low)}
.tiles .trouble b{color:var(--low)}
.panel{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1.2rem 1.3rem}
.scroll{overflow-x:auto}
.chart{display:block;width:100%;min-width:42rem;height:auto;font-family:var(--sans)}
.chart text{dominant-baseline:central;fill:var(--ink);font-size:14px}
.chart .label{text-anchor:end}
.chart .value{fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .bar{fill:var(--bar)}
.chart .axis{stroke:var(--line)}
.chart g:hover .bar{fill:var(--accent)}
.strip,.meter{display:block;width:100%;height:.6rem;border-radius:.3rem;overflow:hidden}
.meter .track{fill:var(--track)}
.meter .tick{stroke:var(--card);stroke-width:1.5}
rect.high,.swatch.high{fill:var(--high);background:var(--high)}
rect.fair,.swatch.fair{fill:var(--fair);background:var(--fair)}
rect.low,.swatch.low{fill:var(--low);background:var(--low)}
rect.k1,.swatch.k1{fill:var(--bar);background:var(--bar)}
rect.k2,.swatch.k2{fill:var(--fair);background:var(--fair)}
rect.k3,.swatch.k3{fill:var(--soft);background:var(--soft)}
rect.k4,.swatch.k4{fill:var(--line);background:var(--line)}
.swatch{display:inline-block;width:.7rem;height:.7rem;border-radius:.15rem;margin-right:.4rem;vertical-align:-.05rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;margin:.6rem 0 0;padding:0;list-style:none;color:var(--soft);font-size:.88rem}
.words{columns:12rem;column-gap:2rem;margin:1rem 0 0;padding:0;list-style:none;font-size:.92rem}
.words li{display:flex;justify-content:space-between;gap:.8rem;padding:.1rem 0;border-bottom:1px dotted var(--line);break-inside:avoid;overflow-wrap:anywhere}
.words span{color:var(--soft);font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;font-size:.91rem}
caption{text-align:left;color:var(--soft);font-size:.86rem;padding-bottom:.4rem}
th{text-align:left;font-size:.79rem;font-weight:600;color:var(--soft);letter-spacing:.02em;border-bottom:1px solid var(--soft);padding:.3rem .8rem .35rem 0;white-space:nowrap}
td{border-bottom:1px solid var(--line);padding:.42rem .8rem .42rem 0;vertical-align:top}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
.path{overflow-wrap:anywhere}
code,.path,.excerpt{font-family:var(--mono);font-size:.86em}
code{background:var(--track);border-radius:.25rem;padding:.08em .35em;overflow-wrap:anywhere}
.excerpt{overflow-wrap:anywhere;white-space:pre-wrap;line-height:1.5}
.place{color:var(--soft);white-space:nowrap}
mark{background:var(--mark);color:inherit;border-radius:.2rem;padding:.02em .12em}
.pattern{margin-top:.7rem;padding-top:.8rem;padding-bottom:.8rem}
.pattern summary{cursor:pointer;font-weight:600}
.pattern[open]{padding-bottom:.7rem}
.pattern summary .count{color:var(--soft);font-weight:400;margin-left:.5rem;font-variant-numeric:tabular-nums}
.pattern table{margin-top:.7rem;table-layout:fixed}
.pattern .at{width:34%}
.sheets{display:grid;gap:1rem}
.sheet{display:grid;grid-template-columns:minmax(0,1fr) minmax(11rem,15rem);gap:.4rem 2rem;align-items:start}
.sheet .facts{color:var(--soft);font-size:.87rem;margin:0}
.sheet .score{font:600 1.5rem/1 var(--serif);font-variant-numeric:lining-nums tabular-nums}
.sheet .score small{font:400 .85rem var(--sans);color:var(--soft)}
.sheet .meter{margin:.5rem 0 .45rem}
.sheet details{grid-column:1/-1;margin-top:.2rem}
.sheet summary{cursor:pointer;color:var(--accent);font-size:.92rem}
.read{font:1.05rem/1.6 var(--serif);font-variant-numeric:lining-nums;white-space:pre-wrap;overflow-wrap:anywhere;margin:.7rem 0 0;max-width:44rem;border-left:3px solid var(--line);padding-left:1.1rem}
.gap{display:block;height:.5em}
.doubt{text-decoration:underline dotted var(--low) .13em;text-underline-offset:.22em}
.group{border-left:4px solid var(--soft);margin-top:.9rem}
.group.error{border-left-color:var(--low)}
.group.warning{border-left-color:var(--fair)}
.group header{display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}
.badge{font-size:.74rem;font-weight:700;letter-spacing:.06em;text-transform:uppercase}
.error .badge{color:var(--low)}
.warning .badge{color:var(--ink)}
.note-group .badge{color:var(--soft)}
.remedy{margin:.25rem 0 .6rem}
.remedy b{color:var(--accent)}
.items{margin:0;padding:0;list-style:none;font-size:.91rem}
.items li{padding:.3rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.items .why{color:var(--soft)}
.good{color:var(--soft)}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.88rem}
@media (max-width:38rem){body{padding:2rem 1rem 3rem}.sheet{grid-template-columns:1fr}.lead{font-size:1.1rem}.hide-narrow{display:none}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--accent:#000;--bar:#555;--track:#eee;--mark:#e8e8e8}
html{font-size:10.5pt}body{max-width:none;padding:0}nav{display:none}section{margin-top:1.8rem}h2,h3,summary,header{break-after:avoid}
tr,.tiles li,.items li{break-inside:avoid}.about,.legend{break-after:avoid}.tiles{grid-template-columns:repeat(6,1fr);gap:.4rem}.tiles li{padding:.5rem .6rem}.tiles b{font-size:1.5rem}.chart{min-width:0}details::details-content{content-visibility:visible;block-size:auto}
svg,mark,.swatch{-webkit-print-color-adjust:exact;print-color-adjust:exact}a{text-decoration:none}}
)css";
}

} // namespace report
