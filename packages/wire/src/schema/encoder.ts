import { absentValue, hasField, mayBeNull, REQUIRED, type AnyField, type Fields } from './fields.ts'

/** Source of `function (w, m)`: straight-line code for one version. Tagged fields go through a writer of their own, for their size. */
export function encoderSource(fields: Fields, version: number, flexible: boolean): string {
  let names = 0
  const fresh = (prefix: string): string => `${prefix}${names++}`

  const write = (f: AnyField, value: string, w: string): string => {
    switch (f.kind) {
      case 'struct': {
        const body = writeFields(f.fields!, value, w)
        return mayBeNull(f, version) ? `if(${value}===null)${w}.int8(-1);else{${w}.int8(1);\n${body}}\n` : body
      }
      case 'string':
        return orNull(f, value, w, flexible ? `${w}.compactString(${value});` : `${w}.string(${value});`)
      case 'bytes':
        return orNull(f, value, w, `${length(`${value}.length`, w)}${w}.bytes(${value});`)
      case 'records':
        return orNull(f, value, w, `${length(`${value}.length`, w)}${w}.chunk(${value});`)
      case 'list': {
        const item = fresh('e')
        return orNull(f, value, w, `${length(`${value}.length`, w)}for(const ${item} of ${value}){${write(f.item!, item, w)}}`)
      }
      default:
        return `${w}.${f.kind}(${value});\n`
    }
  }
  const length = (value: string, w: string): string => (flexible ? `${w}.uvarint(${value}+1);` : `${w}.int32(${value});`)
  const orNull = (f: AnyField, value: string, w: string, present: string): string => {
    if (!mayBeNull(f, version)) return `${present}\n`
    const absent = flexible ? `${w}.uvarint(0)` : f.kind === 'string' ? `${w}.int16(-1)` : `${w}.int32(-1)`
    return `if(${value}===null){${absent}}else{${present}}\n`
  }

  const writeFields = (all: Fields, value: string, w: string): string => {
    const prefix = fresh('y')
    const tagged: [string, AnyField][] = []
    let code = ''
    for (const [name, f] of Object.entries(all)) {
      if (!hasField(f, version)) continue
      const variable = `${prefix}_${name}`
      if (f.tag !== undefined) {
        if (flexible) tagged.push([name, f])
      } else if (f.or === REQUIRED) code += `const ${variable}=${value}.${name};${write(f, variable, w)}`
      else code += `const ${variable}=${value}.${name}===undefined?${absentValue(f)}:${value}.${name};${write(f, variable, w)}`
    }
    return flexible ? code + writeTags(tagged, value, w) : code
  }

  const writeTags = (tagged: [string, AnyField][], value: string, w: string): string => {
    tagged.sort((a, b) => a[1].tag! - b[1].tag!)
    const [unknown, count] = [fresh('u'), fresh('c')]
    let code = `const ${unknown}=${value}.unknownTags;let ${count}=${unknown}===undefined?0:${unknown}.length;\n`
    for (const [name, f] of tagged) code += `if(${differs(f, `${value}.${name}`)})${count}++;\n`
    code += `${w}.uvarint(${count});if(${count}>0){\n`
    for (const [name, f] of tagged) {
      const inner = fresh('s')
      const variable = fresh('v')
      code +=
        `const ${variable}=${value}.${name};if(${differs(f, variable)}){const ${inner}=new Writer();${write(f, variable, inner)}` +
        `${w}.uvarint(${f.tag});${w}.uvarint(${inner}.length);${w}.append(${inner});}\n`
    }
    const one = fresh('o')
    return (
      `${code}if(${unknown}!==undefined)for(const ${one} of ${unknown}){${w}.uvarint(${one}.tag);${w}.uvarint(${one}.bytes.length);` +
      `${w}.bytes(${one}.bytes);}}\n`
    )
  }

  return writeFields(fields, 'm', 'w')
}

/** Source of the test whether a tagged field is to be written. Undefined counts as the default. */
function differs(f: AnyField, value: string): string {
  return `(${value}!==undefined&&${differsFromAbsent(f, value)})`
}

function differsFromAbsent(f: AnyField, value: string): string {
  if (f.or === null) return `${value}!==null`
  if (f.kind === 'list' || f.kind === 'bytes' || f.kind === 'records') return `(${value}===null||${value}.length!==0)`
  if (f.kind !== 'struct') return `${value}!==${absentValue(f)}`
  const some = Object.entries(f.fields!).map(([name, inner]) => differs(inner, `${value}.${name}`))
  return `(${value}===null||${[`${value}.unknownTags!==undefined`, ...some].join('||')})`
}
