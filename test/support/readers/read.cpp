// Reads bodies with simdjson, whole and as far as they are asked for: lines of hex in, lines of JSON out.
#include <iostream>
#include <simdjson.h>
#include <string>
#include <vector>

using Values = std::vector<std::string>;

static std::string quoted(std::string_view text) {
  std::string out = "\"";
  static const char *digits = "0123456789abcdef";
  for (unsigned char byte : text) {
    if (byte == '"' || byte == '\\') { out += '\\'; out += char(byte); }
    else if (byte < 0x20) { out += "\\u00"; out += digits[byte >> 4]; out += digits[byte & 15]; }
    else out += char(byte);
  }
  return out + "\"";
}

static bool readWhole(const simdjson::padded_string &body, const std::string &key, Values &values) {
  simdjson::dom::parser parser;
  simdjson::dom::element top;
  if (parser.parse(body).get(top)) return false;
  auto one = [&](simdjson::dom::element item) {
    std::string_view text;
    values.push_back(item.is_object() && !item[key].get(text) ? quoted(text) : "null");
  };
  simdjson::dom::array list;
  if (top.get(list)) one(top);
  else for (auto item : list) one(item);
  return true;
}

static bool readOnDemand(const simdjson::padded_string &body, const std::string &key, Values &values) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document top;
  simdjson::ondemand::json_type type;
  if (parser.iterate(body).get(top) || top.type().get(type)) return false;
  std::string_view text;
  if (type == simdjson::ondemand::json_type::object) {
    if (top[key].get_string().get(text)) return false;
    values.push_back(quoted(text));
    return true;
  }
  simdjson::ondemand::array list;
  if (top.get_array().get(list)) return false;
  for (auto item : list) {
    if (item[key].get_string().get(text)) return false;
    values.push_back(quoted(text));
  }
  return true;
}

static std::string joined(const Values &values) {
  std::string out = "[";
  for (size_t at = 0; at < values.size(); at++) out += (at ? "," : "") + values[at];
  return out + "]";
}

int main(int, char **arguments) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string bytes;
    for (size_t at = 0; at + 1 < line.size(); at += 2) bytes += char(std::stoi(line.substr(at, 2), nullptr, 16));
    simdjson::padded_string body(bytes);
    Values whole, parts;
    std::string out;
    if (readWhole(body, arguments[1], whole)) out += joined(whole);
    if (readOnDemand(body, arguments[1], parts)) out += (out.empty() ? "" : ",") + joined(parts);
    std::cout << "[" << out << "]" << std::endl;
  }
}
