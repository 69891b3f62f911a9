/** The colour of a user: the same for everybody, and dark enough for white letters. */
export function color(key: string): string {
  let hash = 0
  for (const char of key) hash = (hash * 31 + char.codePointAt(0)!) % 360
  return `hsl(${hash} 60% 32%)`
}
