// Relationships of an Office package: which part an id in one part points to. External targets are never followed.
import { dirname, join } from 'node:path/posix'
import type { ParseLimits } from './format.ts'
import { childrenNamed, descendant, parseXml, textOf, type XmlElement } from './xml.ts'
import type { Archive } from './zip.ts'

export type Relationship = {
  id: string
  /** Last part of the type's address, e.g. `image`, `slide`. */ type: string
  /** Path inside the archive. */ target: string
}

const relationshipsPath = (part: string): string => join(dirname(part), '_rels', `${part.split('/').at(-1) ?? ''}.rels`)

/** Relationships of `part`, e.g. `word/document.xml`; empty when it has none. */
export async function relationshipsOf(archive: Archive, part: string, limits: ParseLimits): Promise<Map<string, Relationship>> {
  const path = relationshipsPath(part)
  const found = new Map<string, Relationship>()
  if (!archive.has(path)) return found
  for (const { attributes } of childrenNamed(parseXml(await archive.read(path), limits), 'Relationship')) {
    const target = attributes['Target'] ?? ''
    if (attributes['TargetMode'] === 'External') continue
    const resolved = target.startsWith('/') ? target.slice(1) : join(dirname(part), target)
    const id = attributes['Id'] ?? ''
    found.set(id, { id, type: attributes['Type']?.split('/').at(-1) ?? '', target: resolved })
  }
  return found
}

/** Addresses outside the package by relationship id: for telling where a link leads. */
export async function externalTargets(archive: Archive, part: string, limits: ParseLimits): Promise<Map<string, string>> {
  const path = relationshipsPath(part)
  const found = new Map<string, string>()
  if (!archive.has(path)) return found
  for (const { attributes } of childrenNamed(parseXml(await archive.read(path), limits), 'Relationship'))
    if (attributes['TargetMode'] === 'External') found.set(attributes['Id'] ?? '', attributes['Target'] ?? '')
  return found
}

/** The first relationship of a type, e.g. the `officeDocument` of a package. */
export function firstOfType(relationships: ReadonlyMap<string, Relationship>, type: string): Relationship | undefined {
  return [...relationships.values()].find((relationship) => relationship.type === type)
}

export async function partXml(
  archive: Archive,
  relationship: Relationship | undefined,
  limits: ParseLimits,
): Promise<XmlElement | undefined> {
  return relationship === undefined || !archive.has(relationship.target)
    ? undefined
    : parseXml(await archive.read(relationship.target), limits)
}

/** Title in the package's core properties, which only people and programs fill in, so it may be anything. */
export async function packageTitle(archive: Archive, limits: ParseLimits): Promise<string | undefined> {
  const core = await partXml(archive, firstOfType(await relationshipsOf(archive, '', limits), 'core-properties'), limits)
  const title = core === undefined ? undefined : descendant(core, 'title')
  return title === undefined ? undefined : textOf(title).trim()
}
