// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engines.hpp"
#include "image.hpp"
#include "watch.hpp"

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tess {

struct Settings {
    std::size_t engines_max = 8;
    std::uint64_t megapixels_max = 100;
    std::string tessdata;

    /// From the effective configuration; what is not there keeps its default. engines_max is cut to the cores.
    static Settings of(symphony::ValueView config);
};

/// Fetches the bytes of an image that came as a map without them.
using FetchImage = std::function<symphony::Result<symphony::Buffer>(symphony::ValueView image)>;

/// The operations of the manifest. Every method may run on many threads at once and may block.
class TextReader {
public:
    explicit TextReader(const Settings& settings);

    /// `recognise`: {image: bytes or {path, bytes?}, language?, page_segmentation?}. Errors name the path.
    symphony::Result<symphony::Value> infer(std::string_view operation, symphony::ValueView input, const FetchImage& fetch, Watch& watch);

    Engines& engines() noexcept { return engines_; }

private:
    ImageLimits limits_;
    Engines engines_;
};

} // namespace tess
