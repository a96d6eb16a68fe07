// What rsync, ssh and the other side print: a target may print anything. The input is the exit
// status, then standard output and standard error, parted by a NUL.
#include "core/capabilities.hpp"
#include "core/complaints.hpp"
#include "core/rsync_result.hpp"
#include "core/verification.hpp"
#include "fuzz/fuzz.hpp"

using namespace mirrord;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto texts = fuzz::parts(fuzz::bytes_of(data + 2, size - 2), '\0', 2);
  RsyncEnd end{.exit_status = data[0], .signal = data[1] % 32, .output = texts[0]};
  if (texts.size() > 1) end.error = texts[1];

  const Outcome outcome = interpret(end, "/src", "/dst");
  const bool clean = end.exit_status == 0 && end.signal == 0;
  const bool is_done = outcome.verdict == Verdict::done;
  const bool is_withheld = outcome.verdict == Verdict::withheld;
  // An rsync daemon that kept what --max-delete says ends with 0.
  fuzz::must(clean ? is_done || is_withheld : !is_done, "done is exit status 0");
  fuzz::must(is_withheld ? outcome.extraneous != 0 : true, "held back is what was counted");
  fuzz::must(outcome.text.empty() == is_done, "what has failed has words");
  for (const auto& paths : {outcome.unsent.value_or(outcome.unset), outcome.unset})
    for (const std::string& path : paths)
      fuzz::must(('/' + path + '/').find("/../") == std::string::npos,
                 "a path is below the source");
  connection_failure(end.error);

  const double progress = read_progress(end.output);
  fuzz::must(progress == -1 || (progress >= 0 && progress <= 1), "progress is a share");
  parse_rsync_version(end.output);
  is_noisy(end.output);
  for (const std::string& line : read_drift(end.output, data[1] % 2 == 0))
    fuzz::must(!line.empty() && line.find('\n') == line.npos, "drift is lines");
  return 0;
}
