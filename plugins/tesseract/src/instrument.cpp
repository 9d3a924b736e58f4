// SPDX-License-Identifier: Apache-2.0
#include "instrument.hpp"

#include "recognise.hpp"

#include <symphony/inputs.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace tess {

using symphony::Buffer;
using symphony::Bytes;
using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueView;

Settings Settings::of(ValueView config) {
    Settings settings;
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    settings.engines_max = std::clamp<std::size_t>(config["engines_max"].as_uint(settings.engines_max), 1, cores);
    settings.megapixels_max = std::max<std::uint64_t>(1, config["megapixels_max"].as_uint(settings.megapixels_max));
    settings.tessdata = config["tessdata"].as_text();
    return settings;
}

TextReader::TextReader(const Settings& settings)
    : limits_{settings.megapixels_max * 1'000'000}, engines_(Languages::find(settings.tessdata), settings.engines_max) {}

namespace {

Result<Page> read_page(Engines& engines, const ImageLimits& limits, Bytes bytes, const std::string& language, int segmentation, Watch& watch) {
    // Decoded before an engine is taken: a broken image costs nobody an engine.
    const PixPtr image = SYMPHONY_TRY(decode_image(bytes, limits));
    Engines::Lease lease = SYMPHONY_TRY(engines.acquire(language, watch));
    lease.spoil(); // until the page is done: an exception must not bring a half-used engine back
    Result<Page> page = recognise(lease.engine(), *image, segmentation, watch);
    lease.keep();
    return page;
}

} // namespace

Result<Value> TextReader::infer(std::string_view operation, ValueView input, const FetchImage& fetch, Watch& watch) {
    if (operation != "recognise") return Inputs::unknown_operation(operation, {"recognise"});
    const Inputs inputs = SYMPHONY_TRY(Inputs::of(operation, input, {"image", "language", "page_segmentation"}));
    const ValueView image = SYMPHONY_TRY(inputs.any("image"));
    const std::string language(SYMPHONY_TRY(inputs.text_or("language", "eng")));
    const auto segmentation = static_cast<int>(SYMPHONY_TRY(inputs.integer_or("page_segmentation", page_segmentation_default, 1, 13)));
    if (!is_page_segmentation(segmentation)) return inputs.error("out-of-range", "page_segmentation " + std::to_string(segmentation) + " gives no text", "take 1 or 3 to 13; 3 finds out by itself");

    const std::string_view path = image["path"].as_text();
    Buffer fetched;
    Bytes bytes;
    if (image.is_bytes()) {
        bytes = image.as_bytes();
    } else if (image.is_map() && image["bytes"].is_bytes()) {
        bytes = image["bytes"].as_bytes();
    } else if (image.is_map() && image["path"].is_text()) {
        fetched = SYMPHONY_TRY(fetch(image));
        bytes = fetched.bytes();
    } else {
        return inputs.wrong("image", "bytes or a map with path and bytes");
    }
    Result<Page> page = read_page(engines_, limits_, bytes, language, segmentation, watch);
    if (!page) return path.empty() ? std::move(page).error() : std::move(page).error().in(path);
    return to_value(*page, path, language);
}

} // namespace tess
