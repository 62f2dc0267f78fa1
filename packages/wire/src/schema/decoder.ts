import { absentValue, hasField, mayBeNull, type AnyField, type Fields, type Kind } from './fields.ts'

const SIZES: Partial<Record<Kind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  bigint64: 8,
  float64: 8,
  uuid: 16,
}

/** The fewest bytes that a value takes: what bounds a list's count. */
function sizeMin(f: AnyField, version: number, flexible: boolean): number {
  const size = SIZES[f.kind]
  if (size !== undefined) return size
  if (f.kind === 'struct') {
    if (mayBeNull(f, version)) return 1
    let sum = flexible ? 1 : 0
    for (const inner of Object.values(f.fields!)) {
      if (inner.tag === undefined && hasField(inner, version)) sum += sizeMin(inner, version, flexible)
    }
    return Math.max(1, sum)
  }
  return flexible ? 1 : f.kind === 'string' ? 2 : 4
}

/** Source of `function (r)`: straight-line code for one version, so that no version is tested at run time. */
export function decoderSource(fields: Fields, version: number, flexible: boolean): string {
  let names = 0
  const fresh = (prefix: string): string => `${prefix}${names++}`

  const read = (f: AnyField, target: string): string => {
    if (SIZES[f.kind] !== undefined) return `${target}=r.${f.kind}();\n`
    if (f.kind === 'struct') {
      const body = readFields(f.fields!, target)
      return mayBeNull(f, version) ? `if(r.int8()<0)${target}=null;else{\n${body}}\n` : body
    }
    const length = fresh('n')
    const source = flexible ? 'r.uvarint()-1' : f.kind === 'string' ? 'r.int16()' : 'r.int32()'
    const ifNull = mayBeNull(f, version)
      ? `${target}=null;`
      : f.kind === 'records'
        ? `${target}=EMPTY;`
        : `throw new DecodeError('null where there must be a ${f.kind}');`
    return `let ${length}=${source};\nif(${length}<0){${ifNull}}else{${readPresent(f, target, length)}}\n`
  }

  const readPresent = (f: AnyField, target: string, length: string): string => {
    if (f.kind === 'string') return `${target}=r.text(${length});`
    if (f.kind !== 'list') return `${target}=r.slice(${length});`
    const items = fresh('a')
    const item = fresh('e')
    return (
      `const ${items}=[];\nfor(let i=r.count(${length},${sizeMin(f.item!, version, flexible)});i>0;i--){let ${item};\n` +
      `${read(f.item!, item)}${items}.push(${item});}\n${target}=${items};`
    )
  }

  const readFields = (all: Fields, target: string): string => {
    const prefix = fresh('x')
    const tagged: [string, AnyField][] = []
    let code = ''
    for (const [name, f] of Object.entries(all)) {
      const variable = `${prefix}_${name}`
      if (!hasField(f, version) || f.tag !== undefined) code += `let ${variable}=${absentValue(f)};\n`
      else code += `let ${variable};${read(f, variable)}`
      if (hasField(f, version) && f.tag !== undefined && flexible) tagged.push([variable, f])
    }
    const value = `${target}={${Object.keys(all)
      .map((name) => `${name}:${prefix}_${name}`)
      .join()}};\n`
    if (!flexible) return code + value
    const unknown = `${prefix}_unknown`
    return `${code}let ${unknown};${readTags(tagged, unknown)}${value}if(${unknown}!==undefined)${target}.unknownTags=${unknown};\n`
  }

  const readTags = (tagged: [string, AnyField][], unknown: string): string => {
    const [count, number, size, end] = [fresh('t'), fresh('k'), fresh('z'), fresh('q')]
    const cases = tagged.map(
      ([variable, f]) =>
        `case ${f.tag}:{${read(f, variable)}if(r.at!==${end})throw new DecodeError('tag ${f.tag} is not of the size it says');break}\n`,
    )
    return (
      `for(let ${count}=r.count(r.uvarint(),2);${count}>0;${count}--){\n` +
      `const ${number}=r.uvarint(),${size}=r.uvarint(),${end}=r.at+${size};\n` +
      `if(${size}>r.left)throw new DecodeError('a tag of '+${size}+' bytes, '+r.left+' are left');\n` +
      `switch(${number}){${cases.join('')}default:(${unknown}??=[]).push({tag:${number},bytes:r.slice(${size})});}}\n`
    )
  }

  return `let o;\n${readFields(fields, 'o')}return o;`
}
