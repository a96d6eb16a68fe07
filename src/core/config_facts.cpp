#include "core/config_facts.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
  static void to_json(json& value, const std::optional<T>& from) {
    value = from ? json::array({*from}) : json::array();
  }
  static void from_json(const json& value, std::optional<T>& to) {
    if (!value.empty()) to = value.at(0).get<T>();
  }
};

namespace mirrord {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(User, name, home, uid, gid, groups)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Host::Text, content, error)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ConfigFile, name, text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Diagnostic, severity, file, line, column, message)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ConfigFacts, directory, files, refused, users, paths, texts,
                                   written_by_others)

namespace {

/// The question, asked once for each thing.
template <class Answer>
std::function<Answer(const std::string&)> remembering(
    std::map<std::string, Answer>& answers,
    const std::function<Answer(const std::string&)>& question, const Asking& asking,
    const std::string& kind) {
  return [&answers, question, asking, kind](const std::string& name) {
    auto known = answers.find(name);
    if (known != answers.end()) return known->second;
    asking(kind + " '" + name + "'");
    return answers.emplace(name, question(name)).first->second;
  };
}

template <class Answer>
std::function<Answer(const std::string&)> known(const std::map<std::string, Answer>& answers) {
  return [&answers](const std::string& name) { return answers.at(name); };
}

}  // namespace

void ask_what_is_needed(ConfigFacts& facts, const Host& host, const Asking& asking) {
  const Host asked{
      remembering(facts.users, host.find_user, asking, "user"),
      remembering(facts.paths, host.path_kind, asking, "path"),
      remembering(facts.texts, host.read_file, asking, "file"),
      remembering(facts.written_by_others, host.others_write_what_root_reads, asking, "path")};
  (void)parse_config(facts.files, asked);
}

ParsedConfig parse_config(const ConfigFacts& facts) {
  if (facts.files.empty() && !facts.refused.empty()) return {std::nullopt, facts.refused};
  ParsedConfig parsed = parse_config(
      facts.files,
      {known(facts.users), known(facts.paths), known(facts.texts), known(facts.written_by_others)},
      facts.refused.empty());
  for (Diagnostic& diagnostic : parsed.diagnostics)
    if (diagnostic.file.empty()) diagnostic.file = facts.directory;
  if (facts.refused.empty()) return parsed;
  parsed.config.reset();
  parsed.diagnostics.insert(parsed.diagnostics.begin(), facts.refused.begin(), facts.refused.end());
  return parsed;
}

// CBOR: names and texts are bytes, which JSON's UTF-8 could not hold.
std::string to_bytes(const ConfigFacts& facts) {
  std::string bytes;
  nlohmann::json::to_cbor(nlohmann::json(facts), bytes);
  return bytes;
}

ConfigFacts facts_from_bytes(const std::string& bytes) {
  return nlohmann::json::from_cbor(bytes).get<ConfigFacts>();
}

}  // namespace mirrord
