// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "story.hpp"

#include <symphony/value.hpp>

/// A recorded run for the viewers of other projects.
namespace symphony::tracker {

/// Trace Event Format (JSON object form), as Perfetto and the tracing pages of browsers show it: complete events in microseconds. Steps of one
/// plugin are one process; steps at the same time have threads of their own, because events of one thread must nest.
Value chrome_trace(const Story& story);

/// OpenTelemetry spans in the JSON encoding of OTLP 1.x (`ExportTraceServiceRequest`): the run is the root, each stint of a step a child with links
/// to what it waited for, each problem an event. Ids follow from the run's name, the step's and the part, so that they are equal each time.
Value otlp_spans(const Story& story);

/// 32 and 16 hexadecimal digits, never all zero.
std::string trace_id_of(std::string_view run);
std::string span_id_of(std::string_view run, std::string_view node, std::uint32_t attempt);

} // namespace symphony::tracker
